from nbformat.v4 import new_notebook

from autograder.preprocessors import ForgetMachine


def test_which_python_saved_a_notebook_is_forgotten():
    saved = {
        "kernelspec": {"display_name": "my-env", "language": "python", "name": "conda-env-my"},
        "language_info": {"name": "python", "version": "3.11.7", "file_extension": ".py"},
        "colab": {"name": "kept"},
    }
    notebook, _ = ForgetMachine().preprocess(new_notebook(metadata=saved), {})
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
        "colab": {"name": "kept"},
    }
