"""`words` and `query`: what stands in a line is found by it, in every script; what does not stand there is not."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.text.words import LINE_WORDS, QUERY_PARTS, QUERY_WORDS, WORD_CHARS, matches, query, words


def found(asked: str, line: str) -> bool:
    parts = query(asked)
    return bool(parts) and matches(parts, words(line))


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("", []),
        (" \t!? -- 🎉", []),
        ("Hello, World!", ["hello", "world"]),
        ("snake_case v3.14 don't", ["snake", "case", "v3", "14", "don", "t"]),
        ("Straße ΣΑΣ ﬁne Ⅷ", ["strasse", "σασ", "fine", "viii"]),
        ("CAFE\u0301 café", ["café", "café"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        # Joiners and soft hyphens are no ends of words.
        ("می\u200cخواهم so\u00adft", ["میخواهم", "soft"]),
        ("猫", ["猫"]),
        ("手机壳", ["手机", "机壳", "壳"]),
        ("我喜欢Python编程", ["我喜", "喜欢", "欢", "python", "编程", "程"]),
        ("你好，世界", ["你好", "好", "世界", "界"]),
        ("ｶﾞﾊﾞ", ["ガバ", "バ"]),
        ("가나다", ["가나", "나다", "다"]),
        ("人々 〇", ["人々", "々", "〇"]),
        ("𠮷野家", ["𠮷野", "野家", "家"]),
        ("ไทย", ["ไท", "ทย", "ย"]),
        ("x" * (WORD_CHARS + 1), ["x" * WORD_CHARS]),
    ],
)
def test_words(text: str, cut: list[str]) -> None:
    assert words(text) == cut


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("WORLD", "hello, world"),
        ("wor", "hello, world"),
        ("hel wor", "say hel to the world"),
        ('"hello world"', "Hello, world!"),
        ("well-known", "a well known fact"),
        ("world hello", "hello world"),
        ("猫", "我有一只猫"),
        ("只", "我有一只猫"),
        ("一只猫", "我有一只猫。"),
        ("手机case", "新手机case到了"),
        ("iPhone手", "我的iPhone手机壳"),
        ('"手机 壳"', "手机 壳在哪里"),
        ("“手机”", "手机"),
        ("ＰＹＴＨＯＮ", "python"),
        ("東京 tower", "Tokyo tower (東京タワー)"),
    ],
)
def test_what_is_found(asked: str, line: str) -> None:
    assert found(asked, line)


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        ("wor ", "hello, world"),
        ("wor hello", "hello, world"),
        ('"wor"', "hello, world"),
        ("w", "hello, world"),
        ('"world hello"', "hello world"),
        ("well-known", "known well"),
        ("狗", "我有一只猫"),
        ("有猫", "我有一只猫"),
        ("世界好", "你好，世界"),
        ("好世", "你好，世界"),
        ("机case", "手机 my case"),
        ("hello 狗", "hello 猫"),
    ],
)
def test_what_is_not_found(asked: str, line: str) -> None:
    assert not found(asked, line)


@pytest.mark.parametrize("asked", ["", "   ", '"', '""', "?!", "🎉 …", '" " "'])
def test_nothing_to_look_for(asked: str) -> None:
    assert query(asked) == []


def test_a_query_is_bounded() -> None:
    assert len(query("ab " * 100)) == QUERY_PARTS
    long = query("你" * 30 + " " + "好" * 200 + " " + "吗" * 30)
    assert [len(part.words) for part in long] == [29, QUERY_WORDS - 29]
    assert found("好" * 200, "好" * 300)


def test_a_line_is_bounded() -> None:
    assert len(words("a " * 2 * LINE_WORDS)) == LINE_WORDS
    assert len(words("猫" * 2 * LINE_WORDS)) == LINE_WORDS


UNSPACED = "猫狗我有一只手机壳你好世界々ひらがなカタカナー가나다𠮷ไทย"
runs = st.text(alphabet=UNSPACED, min_size=1, max_size=40)
lines = st.text(
    alphabet=st.one_of(st.characters(codec="utf-8"), st.sampled_from(UNSPACED + ' ab."-_é\u0301ｶﾞ')), max_size=120
)


@given(lines, runs, lines, st.data())
def test_every_part_of_an_unspaced_run_finds_its_line(before: str, run: str, after: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(run) - 1))
    end = data.draw(st.integers(start + 1, len(run)))
    # A mark or letter part right after the run would make another character of its last one.
    line = f"{before} {run} {after}" if after else f"{before}，{run}"
    assert found(run[start:end], line)
    assert found(f'"{run[start:end]}"', line)


@given(lines, st.data())
def test_every_word_of_a_line_finds_it(line: str, data: st.DataObject) -> None:
    chunks = [chunk for chunk in line.split() if query(chunk.replace('"', ""))]
    assume(chunks)
    chunk = data.draw(st.sampled_from(chunks)).replace('"', "")
    assume(sum(len(part.words) for part in query(chunk)) < QUERY_WORDS)
    assert found(chunk, line.replace('"', ""))
    assert found(chunk.upper() if chunk.isascii() else chunk, line.replace('"', ""))


@given(lines)
def test_words_hold_nothing_that_the_databases_would_split(line: str) -> None:
    for word in words(line):
        assert word
        assert all(char.isalnum() or char > "\u02ff" for char in word), word
        assert not set(word) & set(" '\"\\:*()&|!<>\0")
        assert words(word)[0][:1] == word[:1]
