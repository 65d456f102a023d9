import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { z } from 'zod';

/** The TensorFlow whose libraries the addon is built against. ADR 2 says why this one. */
export const TENSORFLOW_VERSION = '2.21.0';

/** Which hardware the libraries are for. */
export const Flavour = z.enum(['cpu', 'gpu']);
export type Flavour = z.infer<typeof Flavour>;

const require = createRequire(import.meta.url);
const PackageJson = z.object({ version: z.string() });

/** The npm package whose C++ sources and JavaScript backend a flavour uses. */
export function addonPackageName(flavour: Flavour): string {
  return flavour === 'gpu' ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node';
}

/** Folder of that package in `node_modules`; nothing in it is ever changed. */
export function addonPackageDir(flavour: Flavour): string {
  return dirname(require.resolve(`${addonPackageName(flavour)}/package.json`));
}

/** Version of that package, for example `4.22.0`. */
export function addonVersion(flavour: Flavour): string {
  return PackageJson.parse(require(`${addonPackageName(flavour)}/package.json`)).version;
}

/** `linux-x64` and the like. */
export function platformArch(): string {
  return `${process.platform}-${process.arch}`;
}
