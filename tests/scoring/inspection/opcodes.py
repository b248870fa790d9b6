"""Writes pickles by hand, in every way in which an unpickler can be told to import and call something."""

from __future__ import annotations

import pickle
import struct

STOP = b"."


def text(value):
    """SHORT_BINUNICODE, or BINUNICODE where it is longer."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw if len(raw) < 256 else b"X" + struct.pack("<I", len(raw)) + raw


def values(arguments):
    """A tuple of plain values, as a part of a pickle."""
    return pickle.dumps(tuple(arguments), protocol=2)[2:-1]


def by_global(module, name, arguments):
    return b"\x80\x02" + f"c{module}\n{name}\n".encode() + values(arguments) + b"R" + STOP


def by_old_text(module, name, arguments):
    """Protocol 0: no magic at all."""
    return f"c{module}\n{name}\n".encode() + pickle.dumps(tuple(arguments), protocol=0)[:-1] + b"R" + STOP


def by_stack_global(module, name, arguments):
    return b"\x80\x04" + text(module) + text(name) + b"\x93" + values(arguments) + b"R" + STOP


def by_frame(module, name, arguments):
    body = by_stack_global(module, name, arguments)[2:]
    return b"\x80\x05\x95" + struct.pack("<Q", len(body)) + body


def by_memo(module, name, arguments):
    """The names lie in the memo, far from where they are used."""
    stored = text(name) + b"\x94" + text(module) + b"\x94" + b"00"
    return b"\x80\x04" + stored + b"h\x01h\x00\x93" + values(arguments) + b"R" + STOP


def by_overwritten_memo(module, name, arguments):
    """A harmless name is put first, and another one over it."""
    stored = (
        text("numpy") + b"q\x05" + text(module) + b"q\x05" + text("dtype") + b"q\x06" + text(name) + b"q\x06" + b"0000"
    )
    return b"\x80\x04" + stored + b"h\x05h\x06\x93" + values(arguments) + b"R" + STOP


def by_long_memo(module, name, arguments):
    stored = text(module) + b"r\x00\x00\x01\x00" + text(name) + b"p77777\n" + b"00"
    return b"\x80\x04" + stored + b"j\x00\x00\x01\x00g77777\n\x93" + values(arguments) + b"R" + STOP


def by_escapes(module, name, arguments):
    """UNICODE lines are raw-unicode-escape."""
    escaped = b"".join(
        b"V" + "".join(f"\\u{ord(sign):04x}" for sign in word).encode() + b"\n" for word in (module, name)
    )
    return b"\x80\x04" + escaped + b"\x93" + values(arguments) + b"R" + STOP


def by_quoted_strings(module, name, arguments):
    """STRING and SHORT_BINSTRING are text too."""
    words = f"S'{module[0]}\\x{ord(module[1]):02x}{module[2:]}'\n".encode() + b"U" + bytes([len(name)]) + name.encode()
    return b"\x80\x04" + words + b"\x93" + values(arguments) + b"R" + STOP


def by_eight_bytes(module, name, arguments):
    words = b"".join(b"\x8d" + struct.pack("<Q", len(word)) + word.encode() for word in (module, name))
    return b"\x80\x04" + words + b"\x93" + values(arguments) + b"R" + STOP


def by_inst(module, name, arguments):
    items = b"".join(pickle.dumps(value, protocol=0)[:-1] for value in arguments)
    return b"(" + items + f"i{module}\n{name}\n".encode() + STOP


def by_obj(module, name, arguments):
    items = b"".join(pickle.dumps(value, protocol=2)[2:-1] for value in arguments)
    return b"\x80\x02(" + f"c{module}\n{name}\n".encode() + items + b"o" + STOP


def by_hex_prefix(module, name, arguments):
    """`I0x1` is a number for unpicklers, and none for pickletools."""
    return b"I0x1\n0" + by_old_text(module, name, arguments)


def by_long_prefix(module, name, arguments):
    return b"L0x1fL\n0" + by_old_text(module, name, arguments)


def by_mark_prefix(module, name, arguments):
    return b"(N1N0" + by_old_text(module, name, arguments)


def by_dict_value(module, name, arguments):
    """Among honest looking things."""
    return b"\x80\x04}" + text("coef_") + by_stack_global(module, name, arguments)[2:-1] + b"s" + STOP


def by_default_factory(module, name, arguments):
    """functools.partial, called by the pickle itself."""
    head = b"\x80\x04" + text("functools") + text("partial") + b"\x93"
    function = text(module) + text(name) + b"\x93"
    items = b"(" + function + b"".join(pickle.dumps(value, protocol=2)[2:-1] for value in arguments) + b"t"
    return head + items + b"R)R" + STOP


def by_extension(module, name, arguments):
    """A number is registered for the name, then imported by number."""
    register = b"\x80\x02ccopyreg\nadd_extension\n" + values((module, name, 241)) + b"R0"
    return register + b"\x82\xf1" + values(arguments) + b"R" + STOP


def by_instance_state(module, name, arguments):
    """An object gets a `__setstate__` of its own, and then a state."""
    made = b"\x80\x04" + text("types") + text("SimpleNamespace") + b"\x93)R"
    state = b"}" + text("__setstate__") + text(module) + text(name) + b"\x93sb"
    return made + state + pickle.dumps(arguments[0], protocol=2)[2:-1] + b"b" + STOP


def by_append(module, name, arguments):
    """An object gets an `append` of its own, and then something is appended."""
    made = b"\x80\x04" + text("types") + text("SimpleNamespace") + b"\x93)R"
    state = b"}" + text("append") + text(module) + text(name) + b"\x93sb"
    return made + state + pickle.dumps(arguments[0], protocol=2)[2:-1] + b"a" + STOP


def then_truncated(module, name, arguments):
    return by_stack_global(module, name, arguments)[:-1] + text("more")[:-1]


def then_garbage(module, name, arguments):
    return by_old_text(module, name, arguments)[:-1] + b"\xff\xfe\x00garbage"


def second_of_two(module, name, arguments):
    """For loaders that go on after the first: PyTorch's old files are several pickles."""
    return pickle.dumps({"weights": [1.0, 2.0]}, protocol=4) + by_stack_global(module, name, arguments)


STYLES = {
    function.__name__: function
    for function in (
        by_global, by_old_text, by_stack_global, by_frame, by_memo, by_overwritten_memo, by_long_memo, by_escapes,
        by_quoted_strings, by_eight_bytes, by_inst, by_obj, by_hex_prefix, by_long_prefix, by_mark_prefix,
        by_dict_value, by_default_factory, by_extension, by_instance_state, by_append, then_truncated, then_garbage,
    )
}  # fmt: skip
