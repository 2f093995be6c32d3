"""What the rounds of a loop are given, and what their outputs become together.

Each table is named after the Argo test or function that says so (v3.5.15; ``processItem`` takes a
text without its backslashes, as later versions do).
"""

from __future__ import annotations

from tests.emulator.workflows.cases import Case, call, dag, echo, flow, steps, writes

A = echo("a", "x")
B = echo("b", "x")


def outputs(values: list[str], expected: str) -> Case:
    """The one output of all rounds, as ``{{steps.a.outputs.parameters.out}}`` is."""
    return _gathered("parameters.out", values, expected, "aggregatedJsonValueList")


def results(values: list[str], expected: str) -> Case:
    """What the rounds print, as ``{{steps.a.outputs.result}}`` is."""
    return _gathered("result", values, expected, "processAggregateNodeOutputs")


def _gathered(reference: str, values: list[str], expected: str, source: str) -> Case:
    rounds = list(range(len(values)))
    value = f"{{{{steps.a.outputs.{reference}}}}}"
    main = steps(call("a", withItems=rounds), call("b", given={"x": value}))
    answers = iter(values)

    def answer(_: object) -> dict[str, object]:
        text = next(answers)
        return {"parameters": {"out": text}, "result": text}

    args = [*["a"] * len(values), f"b {expected}"]
    name = f"{source}: {reference} {values}"
    return Case(name, flow(main, writes("a"), B), {"a": answer}, args=args)


def items(param: str, expected: list[str], text: str = "{{item}}") -> Case:
    """A ``withParam`` and the argument of each round."""
    main = steps(call("a", given={"x": text}, withParam=param))
    name = f"processItem: {text} of {param}"
    return Case(name, flow(main, A), args=[f"a {value}" for value in expected])


AGGREGATED = [
    outputs(["3"], '["3"]'),
    outputs(["3", "4"], '["3","4"]'),
    outputs(["red"], '["red"]'),
    outputs(["red", "blue"], '["red","blue"]'),
    outputs(['["3"]', "4"], '["[\\"3\\"]","4"]'),
    outputs(['{"a":"3"}', "4"], '["{\\"a\\":\\"3\\"}","4"]'),
    outputs(['["3"]', '["4"]'], '[["3"],["4"]]'),
    outputs([' ["3"]', '["4"] '], '[["3"],["4"]]'),
    outputs(['\n["3"]  \n', '\t["4"]\t'], '[["3"],["4"]]'),
    outputs(['{"n":"3"}', '{"n":"4"}'], '[{"n":"3"},{"n":"4"}]'),
    outputs(['[{"z":"p", "b":"q"}]', '{"b":"r"}'], '[[{"b":"q","z":"p"}],{"b":"r"}]'),
    outputs(["0.10", "1e3"], '["0.10","1e3"]'),
    outputs(["10000000000000000000001"], '["10000000000000000000001"]'),
    outputs(["true", "null"], '["true","null"]'),
    outputs(['"quoted"'], '["\\"quoted\\""]'),
    outputs([""], '[""]'),
    outputs(["a\nb", "é"], '["a\\nb","é"]'),
    outputs(["<b> & c"], '["\\u003cb\\u003e \\u0026 c"]'),
    outputs(["[1, 2.0, 1e3]", "[]"], "[[1,2,1000],[]]"),
    outputs(["[NaN]", "[1]"], '["[NaN]","[1]"]'),
    outputs(["{}", "null"], '["{}","null"]'),
]
RESULTS = [
    results(["3", "4"], "[3,4]"),
    results(["0.10", "1e3"], "[0.10,1e3]"),
    results(["10000000000000000000001"], "[10000000000000000000001]"),
    results(['"red"', "true", "null"], '["red",true,null]'),
    results(['{"b": 1, "a": [1, 2]}'], '[{"b":1,"a":[1,2]}]'),
    results(['["<"]', " 5 "], '[["\\u003c"],5]'),
]
ITEMS = [
    items("[0.10, 1e3, 10000000000000000000001]", ["0.10", "1e3", "10000000000000000000001"]),
    items("[1, 1.0, -0]", ["1", "1.0", "-0"]),
    items('["a b", "1", "true"]', ["a b", "1", "true"]),
    items('["say \\"hi\\"", "a\\nb"]', ['say "hi"', "a\nb"]),
    items('[[1, 0.10, "x"], []]', ['[1,0.10,"x"]', "[]"]),
    items('[{"b": 1e3, "a": 0.10}]', ['{"a":0.10,"b":1e3}']),
    items('[{"v": 0.10}, {"v": 1e3}, {"v": [1.0]}]', ["0.10", "1e3", "[1.0]"], "{{item.v}}"),
    items('[{"v": "x"}, {"v": true}]', ["x", "true"], "{{item.v}}"),
    items("[true, false, null]", ["true", "false", "null"]),
    items('["<a>&b"]', ["<a>&b"]),
    items(" [1,\n2] ", ["1", "2"]),
]
WHOLE = [
    Case(
        "loops-param-result.yaml: digits go from a result into the rounds",
        flow(
            steps(
                call("w"),
                call("a", given={"x": "{{item}}"}, withParam="{{steps.w.outputs.result}}"),
            ),
            echo("w"),
            A,
        ),
        {"w": {"result": "[0.10, 1e3]"}},
        args=["w", "a 0.10", "a 1e3"],
    ),
    Case(
        "parameter-aggregation-dag.yaml: the outputs of a loop are the rounds of the next",
        flow(
            dag(
                call("a", "w", withItems=[1, 2], given={"x": "{{item}}"}),
                call(
                    "b",
                    "a",
                    dependencies=["a"],
                    given={"x": "{{item}}"},
                    withParam="{{tasks.a.outputs.parameters.out}}",
                ),
            ),
            writes("w", inputs={"parameters": [{"name": "x"}]}),
            A,
        ),
        {"w": lambda work: {"parameters": {"out": "0.10" if "(0:" in work.node.name else "2"}}},
        args=["w", "w", "a 0.10", "a 2"],
    ),
    Case(
        "processAggregateNodeOutputs: only the rounds that succeeded",
        flow(
            steps(
                call("a", withItems=[1, 2], continueOn={"failed": True}),
                call("b", given={"x": "{{steps.a.outputs.parameters.out}}"}),
            ),
            writes("a"),
            B,
        ),
        {
            "a": lambda work: (
                {"exit": 1} if "(0:" in work.node.name else {"parameters": {"out": "5"}}
            )
        },
        args=["a", "a", 'b ["5"]'],
    ),
    Case(
        "processItem: names of rounds",
        flow(
            steps(call("a", given={"x": "-"}, withParam='[0.10, [1, "x"], {"b": "2", "a": 1}]')), A
        ),
        phases={
            "[0].a(0:0.10)": "Succeeded",
            "[0].a(1:[1 x])": "Succeeded",
            "[0].a(2:a:1,b:2)": "Succeeded",
        },
    ),
]
SKIPPED = [
    Case(
        "executeDAGTask: when is asked for every item, and the loop has succeeded",
        flow(
            dag(
                call("a", withItems=[1, 2], when="1 > 2", given={"x": "-"}),
                call("b", dependencies=["a"], given={"x": "{{tasks.a.outputs.result}}"}),
            ),
            A,
            B,
        ),
        phases={"a(0:1)": "Skipped", "a(1:2)": "Skipped", "b": "Succeeded"},
        messages={"a(0:1)": "when '1 > 2' evaluated false"},
        args=["b []"],
    ),
    Case(
        "executeSteps: of a loop of which nothing ran nothing is known",
        flow(
            steps(
                call("a", withItems=[1, 2], when="'{{item}}' == 3"),
                call("b", given={"x": "{{steps.a.outputs.result}}"}),
            ),
            echo("a"),
            B,
        ),
        phase="Failed",
        message="step b failed: {{steps.a.outputs.result}} has no value here",
    ),
    Case(
        "expandStep: items that cannot be told are not needed where when is false",
        flow(steps(call("a", withParam="no list", when="a == b")), echo("a")),
        phases={"[0].a": "Skipped"},
        messages={"[0].a": "Skipped, empty params"},
    ),
    Case(
        "expandStep: items that cannot be told are an error where when holds",
        flow(steps(call("a", withParam="no list", when="a == a")), echo("a")),
        phase="Failed",
        phases={},
    ),
    Case(
        "expandStep: an error of when does not excuse the items",
        flow(steps(call("a", withParam="no list", when="gpt-4o == a")), echo("a")),
        phase="Failed",
        phases={},
    ),
    Case(
        "shouldExecute: an error of one item ends the step",
        flow(
            steps(call("a", withItems=["x", "y-1"], when="{{item}} == x", given={"x": "{{item}}"})),
            A,
        ),
        phase="Failed",
        phases={"[0].a(0:x)": "Succeeded", "[0].a(1:y-1)": "Error"},
    ),
]
CASES = [*SKIPPED, *AGGREGATED, *RESULTS, *ITEMS, *WHOLE]
