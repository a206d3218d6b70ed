"""The networks of spec/bench/networks/ in PyTorch. Each entry of NETWORKS is (batch, image,
make the module, make the labels of n images, the loss of outputs and labels)."""

import torch
from torch import nn
from torch.nn import functional as F


class Shared(nn.Module):
    def __init__(self, trunk, features, sizes):
        super().__init__()
        self.trunk = trunk
        self.heads = nn.ModuleDict({t: nn.Linear(features, n) for t, n in sizes.items()})

    def forward(self, x):
        return self.split(x)[1]

    def split(self, x):
        """What the tasks share last, and their outputs."""
        features = self.trunk(x)
        return [features], {t: head(features) for t, head in self.heads.items()}

    def shared(self):
        return [self.trunk]


def landmark_labels(points):
    return lambda n: torch.rand(n, points, 2) * 2 - 1


def class_labels(classes, *count):
    return lambda n: torch.randint(classes, (n, *count))


def landmark_loss(output, target):
    return F.mse_loss(output, target.flatten(1), reduction="sum") * (0.5 / len(target))


def class_loss(output, target):
    return F.cross_entropy(output.reshape(target.numel(), -1), target.reshape(-1))


def tasks(**given):
    """task = (outputs, labels, loss, weight): the labels and the loss of all."""

    def labels(n):
        return {t: task[1](n) for t, task in given.items()}

    def loss(outputs, batch, each=False):
        losses = [task[3] * task[2](outputs[t], batch[t]) for t, task in given.items()]
        return losses if each else sum(losses)

    return {t: task[0] for t, task in given.items()}, labels, loss


def landmarks(points, weight=1):
    return 2 * points, landmark_labels(points), landmark_loss, weight


def classes(n, weight=1):
    return n, class_labels(n), class_loss, weight


def bins(n, count, weight=1):
    return n * count, class_labels(n, count), class_loss, weight


# ---- TCDCN, KTH, SMTN's shared stream, O-Net ----

mtfl, mtfl_labels, mtfl_loss = tasks(
    landmarks=landmarks(5), gender=classes(2, 0.1), smile=classes(2, 0.1),
    glasses=classes(2, 0.1), pose=classes(5, 0.1))


def tcdcn():
    def stage(i, o, kernel, pool=True):
        layers = [nn.Conv2d(i, o, kernel), nn.BatchNorm2d(o), nn.ReLU(inplace=True)]
        return layers + [nn.MaxPool2d(2)] if pool else layers

    trunk = nn.Sequential(
        *stage(1, 16, 5), *stage(16, 48, 3), *stage(48, 64, 3), *stage(64, 64, 2, False),
        nn.Flatten(), nn.Linear(256, 100), nn.ReLU(inplace=True))
    return Shared(trunk, 100, mtfl)


kth_sizes, kth_labels, kth_loss = tasks(
    landmarks=landmarks(5), glasses=classes(2, 3), pose=classes(5, 6))


def kth():
    trunk = nn.Sequential(
        nn.Conv2d(3, 16, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(2, ceil_mode=True),
        nn.Flatten(), nn.Linear(32 * 38 * 38, 1024), nn.ReLU(inplace=True))
    return Shared(trunk, 1024, kth_sizes)


smtn_sizes, smtn_labels, smtn_loss = tasks(landmarks=landmarks(5), attributes=bins(2, 40))


def smtn():
    layers, channels = [], 3
    for width, count in (64, 2), (128, 2), (256, 3), (512, 3):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    layers += [nn.Flatten(), nn.Linear(512 * 8 * 8, 2048), nn.ReLU(inplace=True)]
    return Shared(nn.Sequential(*layers), 2048, smtn_sizes)


onet_sizes, onet_labels, onet_loss = tasks(
    face=classes(2), box=landmarks(2), landmarks=landmarks(5))


def onet():
    def pool(k):
        return nn.MaxPool2d(k, 2, ceil_mode=True)

    trunk = nn.Sequential(
        nn.Conv2d(3, 32, 3), nn.PReLU(32), pool(3), nn.Conv2d(32, 64, 3), nn.PReLU(64), pool(3),
        nn.Conv2d(64, 64, 3), nn.PReLU(64), pool(2), nn.Conv2d(64, 128, 2), nn.PReLU(128),
        nn.Flatten(), nn.Linear(1152, 256), nn.PReLU(256))
    return Shared(trunk, 256, onet_sizes)


# ---- DMT ----

pairs, pair_labels, pair_loss = tasks(
    airplane_ship=classes(2), automobile_truck=classes(2), bird_frog=classes(2),
    cat_dog=classes(2), deer_horse=classes(2))


class Transfer(nn.Module):
    def __init__(self, columns):
        super().__init__()
        self.beta = nn.Parameter(torch.full((columns, columns), -2.0))
        self.register_buffer("own", torch.eye(columns))

    def forward(self, xs):
        alpha = torch.sigmoid(self.beta) * (1 - self.own) + self.own
        if xs[0].dim() == 4:  # keeps the memory format of the maps
            x = torch.stack([x.permute(0, 2, 3, 1) for x in xs])
            mixed = torch.mm(alpha, x.reshape(len(xs), -1)).view(x.shape)
            return [y.permute(0, 3, 1, 2) for y in mixed.unbind(0)]
        x = torch.stack(xs)
        return list(torch.mm(alpha, x.reshape(len(xs), -1)).view(x.shape).unbind(0))


class TransferContiguous(Transfer):
    def forward(self, xs):
        alpha = torch.sigmoid(self.beta) * (1 - self.own) + self.own
        x = torch.stack(xs)
        return list(torch.mm(alpha, x.reshape(len(xs), -1)).view(x.shape).unbind(0))


class Dmt(nn.Module):
    def __init__(self, channels_last):
        super().__init__()

        def stage(i, o, kernel, padding, last):
            return nn.Sequential(nn.Conv2d(i, o, kernel, padding=padding), nn.BatchNorm2d(o),
                                 nn.ReLU(inplace=True), last)

        def subnet():
            return nn.ModuleList([
                stage(3, 40, 5, 2, nn.MaxPool2d(2)), stage(40, 60, 5, 2, nn.MaxPool2d(2)),
                stage(60, 80, 3, 1, nn.MaxPool2d(2)), stage(80, 100, 3, 1, nn.MaxPool2d(2)),
                stage(100, 140, 2, 0, nn.Flatten()),
                nn.Sequential(nn.Linear(140, 360), nn.ReLU(inplace=True)), nn.Linear(360, 2)])

        self.columns = nn.ModuleList([subnet() for _ in pairs])
        transfer = Transfer if channels_last else TransferContiguous
        self.transfers = nn.ModuleList([transfer(len(pairs)) for _ in range(6)])

    def forward(self, image):
        xs = [image] * len(self.columns)
        for layer in range(7):
            if layer > 0:
                xs = self.transfers[layer - 1](xs)
            xs = [column[layer](x) for column, x in zip(self.columns, xs)]
        return dict(zip(pairs, xs))


# ---- DCNet ----

dc_sizes, dc_labels, dc_loss = tasks(
    landmarks=bins(64, 10), gender=classes(2), smile=classes(2), glasses=classes(2),
    pose=classes(5))


def conv(i, o, kernel, stride=1):
    return nn.Conv2d(i, o, kernel, stride, kernel // 2, bias=False)


class Basic(nn.Module):
    def __init__(self, i, o, stride):
        super().__init__()
        self.body = nn.Sequential(conv(i, o, 3, stride), nn.BatchNorm2d(o), nn.ReLU(inplace=True),
                                  conv(o, o, 3), nn.BatchNorm2d(o))
        self.shortcut = nn.Identity()
        if stride != 1 or i != o:
            self.shortcut = nn.Sequential(conv(i, o, 1, stride), nn.BatchNorm2d(o))

    def forward(self, x):
        return F.relu(self.shortcut(x) + self.body(x), inplace=True)


def resnet(width):
    stages = [nn.Sequential(conv(3, width, 7, 2), nn.BatchNorm2d(width), nn.ReLU(inplace=True),
                            nn.MaxPool2d(3, 2, 1))]
    for s in range(4):
        o = width << s
        i = width if s == 0 else o // 2
        stages.append(nn.Sequential(Basic(i, o, 1 if s == 0 else 2), Basic(o, o, 1)))
    return nn.ModuleList(stages)


class Collaborative(nn.Module):
    def __init__(self, c, columns):
        super().__init__()
        m = c * columns // 4
        self.central = nn.Sequential(
            conv(c * columns, m, 1), nn.BatchNorm2d(m), nn.ReLU(inplace=True), conv(m, m, 3),
            nn.BatchNorm2d(m), nn.ReLU(inplace=True))
        self.own = nn.ModuleList([
            nn.Sequential(conv(c + m, c, 1), nn.BatchNorm2d(c), nn.ReLU(inplace=True),
                          conv(c, c, 3), nn.BatchNorm2d(c)) for _ in range(columns)])

    def forward(self, xs):
        return self.collect(xs, self.central(torch.cat(xs, 1)))

    def collect(self, xs, z):
        return [F.relu(x + own(torch.cat([x, z], 1)), inplace=True)
                for x, own in zip(xs, self.own)]


class Dcnet(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.columns = nn.ModuleList([resnet(width) for _ in dc_sizes])
        self.blocks = nn.ModuleList(
            [Collaborative(width << max(s - 1, 0), len(dc_sizes)) for s in range(5)])
        self.heads = nn.ModuleDict()
        for t, outputs in dc_sizes.items():
            middle = (8 * width + outputs) // 2
            self.heads[t] = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8 * width, middle),
                nn.BatchNorm1d(middle), nn.ReLU(inplace=True), nn.Linear(middle, outputs))

    def forward(self, image):
        return self.split(image)[1]

    def split(self, image):
        """What the tasks share last, all maps before the last block and its own, and outputs."""
        xs = [image] * len(self.columns)
        for s, block in enumerate(self.blocks):
            xs = [column[s](x) for column, x in zip(self.columns, xs)]
            z = block.central(torch.cat(xs, 1))
            features, xs = [*xs, z], block.collect(xs, z)
        return features, {t: self.heads[t](x) for t, x in zip(dc_sizes, xs)}

    def shared(self):
        return [*(stage for column in self.columns for stage in column), *self.blocks[:-1],
                self.blocks[-1].central]


# name: batch, image, module of the memory format, labels, loss
NETWORKS = {
    "tcdcn": (64, (1, 40, 40), lambda _: tcdcn(), mtfl_labels, mtfl_loss),
    "kth": (32, (3, 150, 150), lambda _: kth(), kth_labels, kth_loss),
    "dmt": (64, (3, 32, 32), Dmt, pair_labels, pair_loss),
    "smtn": (8, (3, 128, 128), lambda _: smtn(), smtn_labels, smtn_loss),
    "dcnet": (8, (3, 64, 64), lambda _: Dcnet(64), dc_labels, dc_loss),
    "dcnet_narrow": (16, (3, 64, 64), lambda _: Dcnet(16), dc_labels, dc_loss),
    "onet": (1, (3, 48, 48), lambda _: onet(), onet_labels, onet_loss),
}
