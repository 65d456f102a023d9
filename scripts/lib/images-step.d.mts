/** Types of images-step.mjs for tests; the script itself runs before anything is built. */
export function planImages(machine: {
  readonly buildah: boolean;
  readonly root: boolean;
  readonly registry: boolean;
  readonly debootstrap: boolean;
  readonly certificates?: string;
}): { readonly args: readonly string[] } | { readonly missing: string };
