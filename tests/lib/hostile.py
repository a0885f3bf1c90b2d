# SPDX-License-Identifier: Apache-2.0
"""Makes files that mean harm, from one good checkpoint:
hostile.py CHECKPOINT.safetensors FOLDER. Each is <what>.<format>; those that
must be accepted all the same begin with "fine"."""
import io
import json
import os
import pickle
import random
import struct
import sys
import zipfile
import zlib

good, out = sys.argv[1], sys.argv[2]
data = open(good, "rb").read()
(n,) = struct.unpack("<Q", data[:8])
head, body = json.loads(data[8:8 + n]), data[8 + n:]
meta = head.pop("__metadata__")
storages = {"F32": "FloatStorage", "I64": "LongStorage", "I32": "IntStorage"}


def write(name, content):
    with open(os.path.join(out, name), "wb") as f:
        f.write(content)


# --- pickles -------------------------------------------------------------------
def text(s):
    return b"X" + struct.pack("<I", len(s)) + s.encode()


def number(i):
    return b"J" + struct.pack("<i", i)


def tensor(name, key, kind, count, shape, stride=None, offset=0):
    if stride is None:
        stride, step = [], 1
        for d in reversed(shape):
            stride.insert(0, step)
            step *= d
    return (text(name) + b"ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") + b"ctorch\n" + kind.encode() +
            b"\n" + text(key) + text("cpu") + number(count) + b"tQ" + number(offset) + b"(" +
            b"".join(map(number, shape)) + b"t(" + b"".join(map(number, stride)) +
            b"t\x89ccollections\nOrderedDict\n)RtR")


def archive(pickled, members, repeat=(), how=zipfile.ZIP_STORED):
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w", how) as z:
        z.writestr("m/data.pkl", pickled)
        for key, content in list(members) + list(repeat):
            z.writestr("m/data/" + key, content)
        z.writestr("m/version", "3\n")
    return f.getvalue()


params = [(k, v) for k, v in head.items() if "quant" not in k and v["dtype"] in storages]
members = [(str(i), body[t["data_offsets"][0]:t["data_offsets"][1]]) for i, (k, t) in enumerate(params)]
count = [len(m) // (8 if t["dtype"] == "I64" else 4) for (_, m), (_, t) in zip(members, params)]
items = [tensor(k, str(i), storages[t["dtype"]], count[i], t["shape"]) for i, (k, t) in enumerate(params)]
start, end = b"\x80\x02}(", b"u."
state = start + b"".join(items) + end
pt = archive(state, members)
write("fine.pt", pt)
evil = {"os.system": b"cos\nsystem\n", "posix.system": b"cposix\nsystem\n", "eval": b"cbuiltins\neval\n",
        "exec": b"c__builtin__\nexec\n", "popen": b"csubprocess\nPopen\n", "import": b"cbuiltins\n__import__\n",
        "getattr": b"cbuiltins\ngetattr\n", "torch.load": b"ctorch\nload\n", "numpy": b"cnumpy.core.multiarray\n_reconstruct\n",
        "codecs": b"c_codecs\nencode\n", "lambda": b"ccloudpickle\n_make_function\n"}
for name, call in evil.items():
    write("call-%s.pt" % name, archive(b"\x80\x02" + call + b"(" + text("touch " + out + "/harm") + b"tR.", members))
write("call-inst.pt", archive(b"\x80\x02(" + text("touch " + out + "/harm") + b"ios\nsystem\n.", members))
write("call-stack.pt", archive(b"\x80\x04" + text("os") + text("system") + b"\x93(" + text("touch " + out + "/harm") + b"tR.", members))
class Harm:
    def __reduce__(self):
        return os.system, ("touch " + out + "/harm",)
for protocol in (0, 2, 4):
    write("call-real%d.pt" % protocol, archive(pickle.dumps({"conv1.weight": Harm()}, protocol), members))
rng = random.Random(5)
for i in range(8):
    parts = items[:]
    rng.shuffle(parts)
    write("fine-order%d.pt" % i if i < 2 else "shuffled%d.pt" % i,
          archive(start + b"".join(parts) + end if i < 2 else state[:4 + i] + bytes(rng.sample(list(state[4 + i:-1]), len(state) - 5 - i)) + b".",
                  members))
for i in range(3):
    write("cut%d.pt" % i, pt[:len(pt) * (i + 1) // 4])
    write("cut-pickle%d.pt" % i, archive(state[:len(state) * (i + 1) // 4], members))
bomb = b"}(" + text("0") + b"}q\x00"
for i in range(60):  # each dict holds the one before eight times
    bomb += text(str(i + 1)) + b"}q" + bytes([i + 1]) + b"(" + b"".join(text(str(k)) + b"h" + bytes([i]) for k in range(8)) + b"u"
write("memo-bomb.pt", archive(b"\x80\x02" + bomb + b"u.", members))
deep = b"(" * 3000000
write("mark-bomb.pt", archive(b"\x80\x02" + deep + b".", members))
write("memo-index.pt", archive(b"\x80\x02}r\xff\xff\xff\xff.", members))
write("huge-text.pt", archive(b"\x80\x02X\xff\xff\xff\xffabc.", members))
w = [k for k, _ in params].index("conv1.weight")
first, key, rest = "conv1.weight", str(w), b"".join(items[:w] + items[w + 1:])
for name, t in {
        "huge-shape": tensor(first, key, "FloatStorage", count[w], [2**31 - 1, 4096], [0, 0]),
        "huge-product": tensor(first, key, "FloatStorage", count[w], [2**31 - 1] * 3, [0] * 3),
        "negative-shape": tensor(first, key, "FloatStorage", count[w], [-4, 1, 3, 3]),
        "negative-stride": tensor(first, key, "FloatStorage", count[w], [4, 1, 3, 3], [-9, 9, 3, 1]),
        "negative-offset": tensor(first, key, "FloatStorage", count[w], [4, 1, 3, 3], offset=-1),
        "beyond": tensor(first, key, "FloatStorage", count[w], [4, 1, 3, 3], offset=1),
        "short-storage": tensor(first, key, "FloatStorage", count[w] + 1, [4, 1, 3, 3]),
        "negative-storage": tensor(first, key, "FloatStorage", -1, [4, 1, 3, 3]),
        "no-storage": tensor(first, "99", "FloatStorage", count[w], [4, 1, 3, 3]),
        "outside": tensor(first, "../../../etc/passwd", "FloatStorage", count[w], [4, 1, 3, 3]),
        "half": tensor(first, key, "HalfStorage", count[w], [4, 1, 3, 3]),
        "dims": tensor(first, key, "FloatStorage", count[w], [1] * 200, [1] * 200)}.items():
    write(name + ".pt", archive(start + t + rest + end, members))
many = b"".join(tensor("x%d" % i, key, "FloatStorage", count[w], [2**27], [0]) for i in range(64))
write("one-storage-often.pt", archive(start + many + rest + end, members))
write("twice.pt", archive(state, members, [members[0]]))
write("same-name.pt", archive(start + items[0] + b"".join(items) + end, members))
write("deflated.pt", archive(state, members, how=zipfile.ZIP_DEFLATED))
# --- zip and npz ------------------------------------------------------------------
f = io.BytesIO()
with zipfile.ZipFile(f, "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("a.npy", b"\0" * 50000000)
write("bomb.npz", f.getvalue())


def npy(descr, shape, content, fortran=False):
    h = ("{'descr': %r, 'fortran_order': %r, 'shape': %r, }" % (descr, fortran, shape)).encode()
    h += b" " * (63 - (len(h) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(h)) + h + content


def npz(arrays):
    f = io.BytesIO()
    with zipfile.ZipFile(f, "w") as z:
        for name, content in arrays:
            z.writestr(name + ".npy", content)
    return f.getvalue()


kinds = {"F32": "<f4", "I64": "<i8", "I32": "<i4"}
arrays = [(k, npy(kinds[t["dtype"]], tuple(t["shape"]), body[t["data_offsets"][0]:t["data_offsets"][1]])) for k, t in head.items()]
write("fine.npz", npz(arrays))
harm = pickle.dumps([Harm()], 2)
write("objects.npz", npz([(arrays[0][0], npy("|O", (1,), harm))] + arrays[1:]))
write("big-shape.npz", npz([(arrays[0][0], npy("<f4", (2**31, 2**31), b"\0" * 64))] + arrays[1:]))
write("negative.npz", npz([(arrays[0][0], npy("<f4", (-1,), b"\0" * 64))] + arrays[1:]))
write("struct.npz", npz([(arrays[0][0], npy([("a", "<f4")], (4,), b"\0" * 16))] + arrays[1:]))
z = bytearray(npz(arrays))
at = z.rindex(b"PK\x05\x06")
z[at + 10:at + 12] = b"\xff\xff"
write("many-members.npz", bytes(z))
z = bytearray(npz(arrays))
z[60] ^= 255
write("checksum.npz", bytes(z))
# --- safetensors ------------------------------------------------------------------
def safe(entries, content=body, m=meta):
    h = json.dumps({"__metadata__": m, **entries}).encode()
    h += b" " * (-len(h) % 8)
    return struct.pack("<Q", len(h)) + h + content


def changed(name, **what):
    e = {k: dict(v) for k, v in head.items()}
    e[name].update(what)
    return safe(e)


names = list(head)
write("fine.safetensors", safe(head))
write("overlap.safetensors", changed(names[1], data_offsets=[head[names[0]]["data_offsets"][0],
      head[names[0]]["data_offsets"][0] + head[names[1]]["data_offsets"][1] - head[names[1]]["data_offsets"][0]]))
write("past-end.safetensors", changed(names[0], data_offsets=[len(body), len(body) + 144]))
write("backwards.safetensors", changed(names[0], data_offsets=[144, 0]))
write("shape-lie.safetensors", changed(names[0], shape=[2**32, 2**32]))
write("type-lie.safetensors", changed(names[0], dtype="F64"))
write("header-2^63.safetensors", struct.pack("<Q", 2**63) + data[8:])
write("header-beyond.safetensors", struct.pack("<Q", len(data)) + data[8:])
write("header-deep.safetensors", struct.pack("<Q", 2000000) + b"{\"a\":" + b"[" * 1999995)
write("header-twice.safetensors", safe({}, b"").replace(b'"__metadata__"', b'"__metadata__": {}, "__metadata__"'))


def floats(name, values):
    a, b = head[name]["data_offsets"]
    c = bytearray(body)
    c[a:a + 4 * len(values)] = struct.pack("<%df" % len(values), *values)
    return safe(head, bytes(c))


for what, v in {"nan": float("nan"), "inf": float("inf"), "minus-inf": float("-inf")}.items():
    write("weight-%s.safetensors" % what, floats("conv2.weight", [0, v]))
    write("scale-%s.safetensors" % what, floats("conv2.w_quant.scale", [v]))
write("mean-nan.safetensors", floats("bn1.running_mean", [float("nan")]))
write("variance.safetensors", floats("bn1.running_var", [-1]))
write("scale-zero.safetensors", floats("conv1.act_in_quant.scale", [0]))
write("scale-negative.safetensors", floats("conv1.act_in_quant.scale", [-0.5]))
for what, m in {"network-deep": {"network": "[" * 100000}, "network-huge": {"network": '{"family":"small-cnn","width":4096,"classes":10,"input":[1,65536,65536]}'},
                "network-other": {"network": '{"family":"small-cnn","width":5,"classes":10,"input":[1,16,16]}'},
                "network-text": {"network": "small-cnn"}, "network-layers": {"network": json.dumps({"classes": 10, "input": [1, 16, 16], "layers": [{"op": "relu"}] * 100000})},
                "format-text": {"format": "int8"}, "format-bits": {"format": meta["format"].replace("8", "99")},
                "format-more": {"format": meta["format"].replace("{", '{"extra":1,')}, "format-channel": {"format": meta["format"].replace('"per_channel":false', '"per_channel":true')}}.items():
    write(what + ".safetensors", safe(head, body, {**meta, **m}))
assert zlib.crc32(b"") == 0
