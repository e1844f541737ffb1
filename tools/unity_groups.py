#!/usr/bin/env python3
"""unity_groups.py FILES_MAX FILE…: which sources may be compiled as one. Prints a line for each file: its group's number.

Used by every preset but `dev` and `lint` (cmake/modules.cmake): reading the same headers again and again is most of a build's work. Files of one group share no name
that they define for themselves: in an unnamed namespace, as a static, as a macro, or as a test. A file with the line "// Compiled alone: WHY" is a group of its own: what
it needs is linked only where it is.
"""
import re
import sys

UNNAMED = re.compile(r"^namespace \{$(.*?)^\}  // namespace$", re.DOTALL | re.MULTILINE)
TYPE = re.compile(r"^(?:template <.*>\n)?(?:struct|class|enum class|enum|using|concept)\s+(\w+)", re.MULTILINE)
OTHER = re.compile(r"^(?![\s#/}])[^\n=;({]*?\b(\w+)\s*(?:\(|=|\{|\[|;)", re.MULTILINE)
ALONE = re.compile(r"^// Compiled alone: ", re.MULTILINE)
TEST = re.compile(r"^TEST(?:_F|_P)?\((\w+), (\w+)\)", re.MULTILINE)
MACRO = re.compile(r"^#define (\w+)", re.MULTILINE)
STATIC = re.compile(r"^static [^\n=;({]*?\b(\w+)\s*(?:\(|=|\{)", re.MULTILINE)
NO_NAMES = {"namespace", "struct", "class", "enum", "using", "template", "TEST", "TEST_F", "TEST_P", "INSTANTIATE_TEST_SUITE_P", "operator"}


def own_names(text: str) -> set[str]:
    names = {f"{suite}.{name}" for suite, name in TEST.findall(text)}
    names.update(MACRO.findall(text), STATIC.findall(text))
    for body in UNNAMED.findall(text):
        names.update(TYPE.findall(body), OTHER.findall(body))
    return names - NO_NAMES


def main() -> None:
    files_max, files = int(sys.argv[1]), sys.argv[2:]
    groups: list[tuple[int, set[str]]] = []
    for path in files:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        names = own_names(text)
        if ALONE.search(text):
            groups.append((files_max, names))
            print(len(groups) - 1)
            continue
        for number, (count, taken) in enumerate(groups):
            if count < files_max and not names & taken:
                groups[number] = (count + 1, taken | names)
                break
        else:
            number = len(groups)
            groups.append((1, names))
        print(number)


if __name__ == "__main__":
    main()
