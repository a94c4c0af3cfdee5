"""What Colab shows in place of a plain value at the end of a cell.

An array of bytes in the shape of a picture is shown as that picture, a pandas Series as a
table, and a function with its definition and its docstring.
"""

import base64
import html
import inspect
import io
import types

import numpy as np
from PIL import Image


def register(shell):
    """Have a shell format values as Colab's does."""
    page = shell.display_formatter.formatters["text/html"]
    page.for_type(np.ndarray, _picture)
    page.for_type(types.FunctionType, _function)
    page.for_type(types.MethodType, _function)
    page.for_type_by_name("pandas.core.series", "Series", _series)


def _picture(array):
    gray, colors = array.ndim == 2, array.ndim == 3 and array.shape[2] == 3
    if array.dtype != np.uint8 or not (gray or colors):
        return None
    if not all(10 <= edge <= 1000 for edge in array.shape[:2]):
        return None
    file = io.BytesIO()
    Image.fromarray(array).save(file, "PNG")
    source = base64.b64encode(file.getvalue()).decode()
    return (
        "<style>.ndarray_repr .ndarray_raw_data { display: none; }</style>"
        '<div id="id-1" class="ndarray_repr">'
        f"<pre>ndarray {array.shape} <button>show data</button></pre>"
        f'<img src="data:image/png;base64,{source}" class="ndarray_image_preview" />'
        f'<pre class="ndarray_raw_data">{html.escape(repr(array))}</pre></div>'
        "<script>(() => { document.querySelector('#id-1 button'); })();</script>"
    )


def _series(series):
    return f"{series.to_frame()._repr_html_()}<br><label><b>dtype:</b> {series.dtype}</label>"


def _function(function):
    name = f"{function.__module__}.{function.__qualname__}".removeprefix("__main__.")
    words = html.escape(inspect.getdoc(function) or "<no docstring>")
    return (
        "<div><style>pre.function-repr-contents { overflow-x: auto; }</style>"
        f"<pre><b>{name}</b><br/>{html.escape(f'def {name}{inspect.signature(function)}')}</pre>"
        f'<pre class="function-repr-contents">{words}</pre></div>'
    )
