"""Values that a student may leave in any variable; no check may fail on them."""

ANYTHING = [
    None,
    True,
    0,
    -1,
    10**400,
    float("nan"),
    float("inf"),
    "",
    "é",
    "5 %",
    [],
    [1, [2]],
    ["a", None],
    {},
]
