"""Letters that readers take for one another, folded to plain Latin, for comparing names only."""

from __future__ import annotations

from typing import Final

# Each row: what it looks like, and the letters that look so. Compatibility forms (fullwidth, mathematical, circled)
# and accents are not listed, since NFKD and the removal of marks take care of them. Lower and upper case stand
# together where both look alike; `i`, `l`, `1` and `|` are one letter here, as are `o` and `0`.
_LOOKS_LIKE: Final[dict[str, str]] = {
    "a": "аАαΑɑᴀⱯᗅꓮꭺՁӐᎪ𐊠",
    "b": "ЬВвΒβƄᏏᖯƀɃʙᏴᗷꓐႦ",
    "c": "сСϲϹᴄⅽꓚᏟՇƈȼҫҪ",
    "d": "ԁԀɗđĐᴅᎠꓓժɖᏧð",
    "e": "еЕεΕҽҼєЄᴇꓰᎬℯɇəǝ",
    "f": "ƒϝϜꓝғҒſẝքꞙ",
    "g": "ɡԍԌցᏀꓖɢǥǤ",
    "h": "һҺНнΗɦհᎻꓧʜңҢħĦ",
    "j": "јЈϳͿյᎫꓙᴊɉ",
    "k": "кКκΚᴋᏦꓗҡҠқҚƙҟ",
    "l": "iI1|іІιΙɩlłŁӀӏıɪʟլᏞꓡוןاǀ∣¦ƖꙆꓲɭɨ",
    "m": "мМΜϻϺᴍᎷꓟⅿɱ",
    "n": "ηΝոռпПɴꓠŋŊɲƞ",
    "o": "0оОοΟօՕσ໐०੦௦๐౦০ᴏꓳøØӨөθΘɵჿഠဝ〇◯○۰٠߀ⲟ",
    "p": "рРρΡƿϸᴘᏢꓑԥþÞ",
    "q": "ԛԚգզҩɋ",
    "r": "гГᴦʀᎡꓣɼɽɾꭇ",
    "s": "ѕЅꓢᏚꜱʂՏƽꮪ$",
    "t": "тТτΤᴛᎢꓔŧŦƭҭҬ",
    "u": "υսՍμᴜꓴᑌʋՄʊ",
    "v": "νѵѴᴠᏙꓦ٧∨ⅴ∪",
    "w": "ѡѠԝԜωΩшШщЩᴡᎳꓪɯա",
    "x": "хХχΧᕁᕽꓫҳҲ×ⅹ",
    "y": "уУγΥүҮʏϒᎩꓬყɏ",
    "z": "ΖᴢᏃꓜʐƶƵʑ",
    "ae": "æÆӕӔ",
    "oe": "œŒ",
    "io": "юЮ",
    "bl": "ыЫ",
}

# Letters in boxes and discs that have no compatibility form, and the letters of flags.
_ENCLOSED_ALPHABETS: Final = (0x1F150, 0x1F170, 0x1F1E6)


def _table() -> dict[int, str]:
    table = {ord(letter): latin for latin, letters in _LOOKS_LIKE.items() for letter in letters}
    for first in _ENCLOSED_ALPHABETS:
        for place, latin in enumerate("abcdefghijklmnopqrstuvwxyz"):
            table[first + place] = table.get(ord(latin), latin)
    # A row's own name goes through the table too, for `io` and `bl` hold letters that are folded.
    return {point: "".join(table.get(ord(char), char) for char in latin) for point, latin in table.items()}


LETTERS: Final[dict[int, str]] = _table()

# Two letters side by side that read as one.
PAIRS: Final[tuple[tuple[str, str], ...]] = (("rn", "m"), ("vv", "w"))
