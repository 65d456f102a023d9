"""The peer of run.ts: the same three training steps in PyTorch, channels-last, on the same number of threads.

usage: peer_torch.py NET THREADS STEPS      prints one JSON line: wall and CPU milliseconds per step (median, all steps)
"""
import json
import sys
import time

import torch
from torch import nn
import torch.nn.functional as F

NET, THREADS, STEPS = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(THREADS)
torch.manual_seed(0)


def batch_norm(channels, eps=1e-5):
    return nn.BatchNorm2d(channels, eps=eps, momentum=0.1)


class Same(nn.Module):
    """TensorFlow's 'same' padding for a stride-2 5x5 convolution on an even side: one before, two after."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(F.pad(x, (1, 2, 1, 2)))


def cae():
    lrelu = nn.LeakyReLU(0.2)
    down = lambda i, o: [nn.Conv2d(i, o, 3, 2, 1, bias=False), batch_norm(o), lrelu]
    up = lambda i, o, out: [nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=out, bias=False)]
    net = nn.Sequential(
        *down(1, 32), *down(32, 64), *down(64, 128),
        *up(128, 64, 0), batch_norm(64), lrelu, *up(64, 32, 1), batch_norm(32), lrelu, *up(32, 1, 1), nn.Tanh(),
    ).to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), 1e-3, (0.5, 0.999))
    x = torch.rand(128, 1, 28, 28).to(memory_format=torch.channels_last) * 2 - 1

    def step():
        adam.zero_grad(set_to_none=True)
        loss = F.mse_loss(net(x), x)
        loss.backward()
        adam.step()

    return step


def wrn():
    class Block(nn.Module):
        def __init__(self, i, o, stride):
            super().__init__()
            self.bn1, self.bn2 = batch_norm(i), batch_norm(o)
            self.c1 = nn.Conv2d(i, o, 3, stride, 1, bias=False)
            self.c2 = nn.Conv2d(o, o, 3, 1, 1, bias=False)
            self.short = nn.Conv2d(i, o, 1, stride, bias=False)

        def forward(self, x):
            a = F.relu(self.bn1(x))
            return self.c2(F.relu(self.bn2(self.c1(a)))) + self.short(a)

    class Wrn(nn.Module):
        def __init__(self):
            super().__init__()
            self.c0 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
            self.blocks = nn.Sequential(Block(16, 64, 1), Block(64, 128, 2), Block(128, 256, 2))
            self.bn, self.fc = batch_norm(256), nn.Linear(256, 72)

        def forward(self, x):
            return self.fc(F.relu(self.bn(self.blocks(self.c0(x)))).mean((2, 3)))

    net = Wrn().to(memory_format=torch.channels_last)
    adam = torch.optim.Adam(net.parameters(), 1e-3)
    x = torch.rand(128, 3, 32, 32).to(memory_format=torch.channels_last)
    y = torch.arange(128) % 72

    def step():
        adam.zero_grad(set_to_none=True)
        F.cross_entropy(net(x), y).backward()
        adam.step()

    return step


def ocgan(g, fc, fv=12, d=16, batch=128, sigma=0.2, weight=10.0):
    """native32, grey, without mining: the iteration of specs section 3.3."""
    lrelu = nn.LeakyReLU(0.2)
    conv = lambda i, o, bias=False: Same(nn.Conv2d(i, o, 5, 2, bias=bias))
    # crops what ConvTranspose2d adds around TensorFlow's 'same' output
    deconv = lambda i, o, bias=False: nn.ConvTranspose2d(i, o, 5, 2, 2, output_padding=1, bias=bias)
    encoder = nn.Sequential(
        conv(1, g, True), lrelu, conv(g, 2 * g), batch_norm(2 * g), lrelu, conv(2 * g, 4 * g), batch_norm(4 * g), lrelu,
        nn.Conv2d(4 * g, d, 4, bias=False), batch_norm(d), nn.Tanh(),
    )
    decoder = nn.Sequential(
        nn.ConvTranspose2d(d, 4 * g, 4, bias=False), batch_norm(4 * g), nn.ReLU(),
        deconv(4 * g, 2 * g), batch_norm(2 * g), nn.ReLU(), deconv(2 * g, g), batch_norm(g), nn.ReLU(), deconv(g, 1, True), nn.Tanh(),
    )
    judge = lambda f: nn.Sequential(
        conv(1, f, True), lrelu, conv(f, 2 * f), batch_norm(2 * f), lrelu, conv(2 * f, 4 * f), batch_norm(4 * f), lrelu,
        nn.Conv2d(4 * f, 1, 4),
    )
    visual, classifier = judge(fv), judge(fc)
    sizes = [d, 128, 64, 32, 16]
    latent = nn.Sequential(*[m for i, o in zip(sizes, sizes[1:]) for m in (nn.Linear(i, o), nn.ReLU())], nn.Linear(16, 1))
    nets = [encoder, decoder, visual, classifier, latent]
    for net in nets:
        net.to(memory_format=torch.channels_last)
    adam = lambda *ns: torch.optim.Adam([p for n in ns for p in n.parameters()], 2e-4, (0.5, 0.999), eps=1e-8)
    opt_c, opt_l, opt_v, opt_ae = adam(classifier), adam(latent), adam(visual), adam(encoder, decoder)
    x = torch.rand(batch, 1, 32, 32).to(memory_format=torch.channels_last) * 2 - 1
    ones, zeros = torch.ones(batch, 1), torch.zeros(batch, 1)
    bce = lambda logits, y: F.binary_cross_entropy_with_logits(logits.reshape(batch, 1), y)
    codes = lambda: torch.rand(batch, d, 1, 1) * 2 - 1

    def train_only(*wanted):
        for net in nets:
            net.requires_grad_(any(net is w for w in wanted))

    def step():
        noisy = x + sigma * torch.randn_like(x)
        with torch.no_grad():
            z = encoder(noisy)
            rebuilt, fake = decoder(z), decoder(codes())
        train_only(classifier)
        opt_c.zero_grad(set_to_none=True)
        (0.5 * (bce(classifier(rebuilt), ones) + bce(classifier(fake), zeros))).backward()
        opt_c.step()
        train_only(latent, visual)
        opt_l.zero_grad(set_to_none=True)
        opt_v.zero_grad(set_to_none=True)
        loss = 0.5 * (bce(latent(codes().flatten(1)), ones) + bce(latent(z.flatten(1)), zeros))
        loss = loss + 0.5 * (bce(visual(x), ones) + bce(visual(fake), zeros))
        loss.backward()
        opt_l.step()
        opt_v.step()
        train_only(encoder, decoder)
        opt_ae.zero_grad(set_to_none=True)
        z = encoder(noisy)
        loss = weight * F.mse_loss(decoder(z), x) + bce(latent(z.flatten(1)), ones) + bce(visual(decoder(codes())), ones)
        loss.backward()
        opt_ae.step()

    return step


NETS = {"cae": cae, "wrn-10-4": wrn, "ocgan": lambda: ocgan(64, 64), "ocgan-quick": lambda: ocgan(16, 16)}
step = NETS[NET]()
for _ in range(3):
    step()
walls, cpu0 = [], time.process_time()
for _ in range(STEPS):
    t0 = time.perf_counter()
    step()
    walls.append((time.perf_counter() - t0) * 1000)
cpu = (time.process_time() - cpu0) * 1000 / STEPS
print(json.dumps({"net": NET, "threads": THREADS, "wallMs": sorted(walls)[len(walls) // 2], "cpuMs": cpu, "version": torch.__version__}))
