"""The recorder in a live kernel, as a student at work uses it: cell by cell, again and again."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from autograder import ROOT
from autograder.samples import ACCURACY, FIND, PREDICT, SHOW

pytestmark = pytest.mark.slow


class Kernel:
    """A kernel to type cells into."""

    def __init__(self, folder, predictions):
        self.notebook = nbformat.v4.new_notebook()
        self.client = NotebookClient(
            self.notebook,
            kernel_name="python3",
            allow_errors=True,
            timeout=120,
            resources={"metadata": {"path": str(folder)}},
        )
        self.context = self.client.setup_kernel()
        self.context.__enter__()
        self.run(
            f"import os, sys\nsys.path.insert(0, {str(ROOT)!r})\n"
            f"os.environ.update(COURSE_DATA='practice', COURSE_PREDICTIONS={str(predictions)!r})"
        )

    def run(self, source: str):
        cell = nbformat.v4.new_code_cell(source)
        self.notebook.cells.append(cell)
        self.client.execute_cell(cell, len(self.notebook.cells) - 1)
        return cell.outputs

    def check(self, name: str) -> tuple[float, str]:
        outputs = self.run(f'import course_utils\ncourse_utils.check("{name}")')
        *printed, result = outputs  # a busy kernel sends what is printed in several parts
        assert {o.output_type for o in printed} == {"stream"}, outputs
        words = "".join(o.text for o in printed)
        return float(result.data["text/plain"]), " ".join(words.split())

    def setup(self):
        self.run(
            "import numpy as np, matplotlib.pyplot as plt, course_utils as cu\ncu.start(stage=7)\n"
            "model, x_test, y_test, class_names = cu.resume(stage=7)"
        )


@pytest.fixture
def kernel(tmp_path, practice_predictions):
    kernel = Kernel(tmp_path, practice_predictions)
    yield kernel
    kernel.context.__exit__(None, None, None)


@pytest.fixture
def ready(kernel):
    kernel.setup()
    kernel.run(PREDICT + FIND)
    return kernel


def answer(code):
    return "# answer: show_three_wrong\n" + code


def test_check_before_setup_and_after_a_restart(kernel):
    points, words = kernel.check("find_wrong")
    assert points == 0
    assert "the two cells at the top have not run" in words
    kernel.setup()
    assert kernel.check("find_wrong")[1].count("Still to do: wrong_indexes") == 1


def test_a_cell_that_runs_again_starts_afresh(ready):
    ready.run(answer(SHOW.replace("[:3]", "[:2]")))
    assert ready.check("show_three_wrong")[0] == 1
    ready.run(answer(SHOW))
    assert ready.check("show_three_wrong")[0] == 3
    ready.run(answer("pass"))
    assert ready.check("show_three_wrong")[0] == 0


def test_a_check_may_be_asked_again_and_again(ready):
    ready.run(answer(SHOW))
    assert [ready.check("show_three_wrong")[0] for _ in range(3)] == [3, 3, 3]


def test_setup_twice_forgets_nothing_and_counts_nothing_twice(ready):
    ready.run(answer(SHOW.replace("[:3]", "[:1]")))
    ready.setup()
    points, words = ready.check("show_three_wrong")
    assert points == 1
    assert "You showed 1 wrong prediction" in words


def test_what_a_check_prints_is_not_an_answer(ready):
    ready.run("per_class_accuracy = {'cat': 2}")
    before = ready.check("per_class_accuracy")
    assert ready.check("per_class_accuracy") == before


def test_text_that_was_redirected_was_not_printed(ready):
    lines = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()):\n    print({})"
    shares = "[(predicted_labels[true_labels == n] == n).mean() for n in range(10)]"
    printed = f"dict(zip(class_names, {shares}))"
    ready.run(lines.format(printed))
    assert ready.check("per_class_accuracy")[0] == 0
    ready.run(f"print({printed})")
    assert ready.check("per_class_accuracy")[0] == 3


def test_pictures_in_widgets_reach_the_screen(ready):
    ready.run(
        answer(
            "import ipywidgets\nout = ipywidgets.Output()\nwith out:\n"
            + "".join(f"    {line}\n" for line in SHOW.splitlines())
            + "    plt.show()\nout"
        )
    )
    assert ready.check("show_three_wrong")[0] == 3


def test_what_was_wiped_does_not_count(ready):
    ready.run(answer(SHOW + "plt.show()\nfrom IPython.display import clear_output\nclear_output()"))
    assert ready.check("show_three_wrong")[0] == 0
    ready.run(answer("print('wait')\nclear_output(wait=True)\n" + SHOW + "plt.show()"))
    assert ready.check("show_three_wrong")[0] == 3
    ready.run(answer(SHOW + "plt.show()\nclear_output(wait=True)"))
    assert ready.check("show_three_wrong")[0] == 3  # nothing came that would wipe it
    ready.run(answer(SHOW + "plt.show()\nclear_output(wait=True)\nprint()"))
    assert ready.check("show_three_wrong")[0] == 0
    ready.run(answer(SHOW + "plt.show()\nclear_output(wait=True)\n1 / 0"))
    assert ready.check("show_three_wrong")[0] == 0


def test_what_was_shown_anew_counts_in_place_of_the_first(ready):
    ready.run(answer(SHOW + "handle = display(fig, display_id=True)\nplt.close()"))
    assert ready.check("show_three_wrong")[0] == 3
    ready.run("handle.update('gone')")
    assert ready.check("show_three_wrong")[0] == 0
    ready.run("handle.update(fig)")
    assert ready.check("show_three_wrong")[0] == 3


def test_a_widget_that_wipes_itself_costs_nothing(ready):
    more = "import ipywidgets\nipywidgets.interact(print, number=(0, 9))"
    ready.run(answer(SHOW + "plt.show()\n" + more))
    assert ready.check("show_three_wrong")[0] == 3


def test_an_answer_that_breaks_off_keeps_what_was_shown(ready):
    ready.run(answer(SHOW + "plt.show()\n1 / 0"))
    assert ready.check("show_three_wrong")[0] == 3


def test_the_student_s_output_is_untouched(ready):
    outputs = ready.run("print('a')\ndisplay(1)\n2")
    kinds = [o.output_type for o in outputs]
    assert list(dict.fromkeys(kinds)) == ["stream", "display_data", "execute_result"]
    assert "".join(o.text for o in outputs if o.output_type == "stream") == "a\n"


def test_changed_copies_do_not_move_the_goal(ready):
    ready.run(ACCURACY + "hardest_class = min(per_class_accuracy, key=per_class_accuracy.get)")
    ready.run("y_test[:] = 0; y_test[:, 0] = 1; class_names.reverse()")
    assert ready.check("per_class_accuracy")[0] == 3
    assert ready.check("name_hardest_class")[0] == 2


def test_a_slip_on_the_pictures_is_an_error_and_not_a_loss(ready):
    outputs = ready.run("x_test[0] = 0")
    assert "read-only" in outputs[0].evalue
    assert np.asarray(ready.check("find_wrong")[0]) == 1


def test_objects_of_bad_will_do_not_stop_a_check(ready):
    ready.run(
        "class Odd:\n    def __getattr__(self, name): raise SystemError(name)\n"
        "wrong_indexes = hardest_class = per_class_accuracy = Odd()"
    )
    for name in ("find_wrong", "per_class_accuracy", "name_hardest_class"):
        assert ready.check(name)[0] == 0
