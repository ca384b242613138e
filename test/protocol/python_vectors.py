"""What Python prints, for test/protocol/python-json.test.ts.

    python3 test/protocol/python_vectors.py > test/protocol/fixtures/python-json.json   records the vectors
    python3 test/protocol/python_vectors.py --dumps < list-of-texts.json                prints texts handed in

A vector is JSON text and what json.dumps(json.loads(text), sort_keys=True) makes of it.
"""

import json
import random
import struct
import sys


def printed(text):
    return json.dumps(json.loads(text), sort_keys=True)


def texts():
    yield '{"temperature": 0.0, "model": "gpt-4o", "messages": [{"role": "user", "content": "Hello, world"}]}'
    yield from ["null", "true", "false", "[]", "{}", '""', " [ 1 ,\t2\r\n] ", '{"a":{"b":{},"a":[]}}']
    # Ints stay ints, whatever their size.
    yield from ["0", "-0", "1", "-1", "9007199254740993", "1" + "0" * 30, "-" + "9" * 400]
    # Floats as repr prints them, around every border.
    yield from ["0.0", "-0.0", "0e0", "1.0", "1e0", "1E5", "1e15", "1e16", "1e17", "-1e16", "123456789012345678.0"]
    yield from ["0.1", "0.0001", "0.00001", "1e-7", "1.5e-7", "0.7", "0.30000000000000004", "2.5e+22", "1e21", "1e22"]
    yield from ["5e-324", "2.2250738585072014e-308", "1.7976931348623157e308", "1e400", "-1e400", "9999999999999998.0"]
    yield from ["9007199254740993.0", "4.35", "1e23", "9.5367431640625e-07", "123e-20", "100.0", "1234.5678e3"]
    # Strings: ASCII escapes, surrogate pairs, lone surrogates.
    yield json.dumps("".join(map(chr, range(0x20))) + '"\\/~\x7f\x80\xa0\u2028\u2029\ufeff\uffff')
    yield '"\\/ \\u0041 \\u00e9 é € 😀 \\ud83d\\ude00 \\ud83d \\ude00\\ud83d"'
    # Keys by code point: U+FF61 comes before U+1F600, though its UTF-16 unit is the larger.
    yield '{"\\uff61": 1, "😀": 2, "a": 3, "Z": 4, "é": 5, "": 6, "aa": 7, "\\ud83d": 8, "\\ue000": 9}'
    yield '{"10": 1, "9": 2, "1": 3, "__proto__": {"b": 1}, "constructor": 4, "toString": 5}'
    yield '{"a😀": 1, "a\\ud83d": 2, "a\\ud83dz": 3, "a\\ud83d\\ue000": 4, "a😁": 5, "a": 6}'
    # Of a key that stands twice the last counts.
    yield '{"a": 1, "b": 2, "a": 3}'
    rng = random.Random(20260421)
    for _ in range(400):
        (value,) = struct.unpack("<d", rng.randbytes(8))
        if value == value and abs(value) != float("inf"):
            yield repr(value)
    for _ in range(200):
        yield repr(rng.uniform(-1, 1) * 10 ** rng.randint(-8, 19))
    for _ in range(100):
        yield json.dumps(value_of(rng, 0), ensure_ascii=rng.random() < 0.5)


def word(rng):
    alphabet = ["a", "B", "0", " ", '"', "\\", "\n", "\x01", "\x7f", "é", "€", "\ue000", "\uffff", "😀", "𐀀"]
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, 6)))


def value_of(rng, depth):
    kind = rng.randint(0, 7 if depth < 3 else 5)
    if kind == 0:
        return rng.choice([None, True, False])
    if kind == 1:
        return rng.randint(-(10**20), 10**20)
    if kind == 2:
        return rng.uniform(-1, 1) * 10 ** rng.randint(-10, 25)
    if kind in (3, 4, 5):
        return word(rng)
    if kind == 6:
        return [value_of(rng, depth + 1) for _ in range(rng.randint(0, 4))]
    return {word(rng): value_of(rng, depth + 1) for _ in range(rng.randint(0, 5))}


if "--dumps" in sys.argv:
    print(json.dumps([printed(text) for text in json.load(sys.stdin)]))
else:
    vectors = [{"text": text, "printed": printed(text)} for text in texts()]
    print(json.dumps(vectors, indent=0))
