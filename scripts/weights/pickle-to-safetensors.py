"""Writes the tensors of a PyTorch checkpoint as a safetensors file, names and values unchanged.

    python3 -m venv venv
    venv/bin/pip install torch==2.13.0 safetensors==0.8.0 numpy
    venv/bin/python scripts/weights/pickle-to-safetensors.py weights.pth weights.safetensors

Then `adctl backbones import weights.safetensors`. Only tensors are unpickled (`weights_only`), so the file cannot run code.
"""

import sys

import torch
from safetensors.torch import save_file


def main(source: str, target: str) -> None:
    loaded = torch.load(source, map_location="cpu", weights_only=True)
    state = loaded.get("state_dict", loaded)
    tensors = {name: value.contiguous() for name, value in state.items() if isinstance(value, torch.Tensor)}
    save_file(tensors, target, metadata={"format": "pt"})
    print(f"{target}: {len(tensors)} tensors")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2])
