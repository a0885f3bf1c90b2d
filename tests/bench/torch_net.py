# SPDX-License-Identifier: Apache-2.0
"""The peer of tests/bench/net: the same ResNet-20 step in PyTorch, exact
float32, channels last, batch 128. torch_net.py THREADS [ROUNDS]; prints JSON."""
import json
import resource
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

BATCH = 128
threads = int(sys.argv[1])
rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
torch.set_num_threads(threads)


class Block(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(i, o, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(o)
        self.conv2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(o)
        self.down = nn.Identity()
        if i != o:
            self.down = nn.Sequential(nn.Conv2d(i, o, 1, stride, bias=False), nn.BatchNorm2d(o))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        return F.relu(self.bn2(self.conv2(y)) + self.down(x), inplace=True)


layers = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True)]
width = 16
for out in (16, 32, 64):
    for b in range(3):
        layers.append(Block(width, out, 2 if out != width else 1))
        width = out
layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 100)]
model = nn.Sequential(*layers).to(memory_format=torch.channels_last)
x = torch.rand(BATCH, 3, 32, 32).to(memory_format=torch.channels_last)
label = torch.arange(BATCH) % 100
sgd = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, nesterov=True, weight_decay=1e-4)


def step():
    sgd.zero_grad(set_to_none=True)
    F.cross_entropy(model(x), label).backward()
    sgd.step()


def infer():
    with torch.no_grad():
        model(x)


def speed(fn):
    best = cpu = 1e30
    fn()
    for _ in range(rounds):
        t, c = time.perf_counter(), time.process_time()
        fn()
        best = min(best, time.perf_counter() - t)
        cpu = min(cpu, time.process_time() - c)
    return {"images_s": round(BATCH / best), "images_cpu_s": round(BATCH / cpu)}


result = {"bench": "torch", "version": torch.__version__, "threads": threads, "float_train": speed(step)}
model.eval()
result["float_infer"] = speed(infer)
result["peak_MiB"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(result))
