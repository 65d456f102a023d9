import { type Flavour, TENSORFLOW_VERSION } from './versions.js';

/** A wheel that we know byte for byte. */
export interface PinnedWheel {
  /** Name on the Python package index. */
  readonly distribution: string;
  readonly version: string;
  readonly file: string;
  readonly sha256: string;
  readonly bytes: number;
  /** pip's platform tag. */
  readonly platformTag: string;
  /** Whether NVIDIA's own wheels (the `and-cuda` extra) are needed beside it. */
  readonly withCuda: boolean;
}

/**
 * Always the wheel for Python 3.11, whatever Python runs pip: the libraries in it do not depend on Python, and so one
 * file per platform serves everyone and can be pinned.
 */
export const WHEEL_PYTHON_VERSION = '3.11';

const PINS: Readonly<Record<string, PinnedWheel>> = {
  'cpu linux-x64': {
    distribution: 'tensorflow-cpu',
    version: TENSORFLOW_VERSION,
    file: 'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    bytes: 273_829_956,
    platformTag: 'manylinux_2_27_x86_64',
    withCuda: false,
  },
  'cpu linux-arm64': {
    distribution: 'tensorflow',
    version: TENSORFLOW_VERSION,
    file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_aarch64.whl',
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    bytes: 281_828_020,
    platformTag: 'manylinux_2_27_aarch64',
    withCuda: false,
  },
  'gpu linux-x64': {
    distribution: 'tensorflow',
    version: TENSORFLOW_VERSION,
    file: 'tensorflow-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    bytes: 572_440_367,
    platformTag: 'manylinux_2_27_x86_64',
    withCuda: true,
  },
};

/** The wheel for a flavour and platform (`linux-x64`), or undefined where TensorFlow publishes none. */
export function pinnedWheel(flavour: Flavour, platform: string): PinnedWheel | undefined {
  return PINS[`${flavour} ${platform}`];
}
