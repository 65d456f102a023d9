import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { calledSymbols, exportedSymbols } from './symbols.js';
import { addonPackageDir } from './versions.js';

describe('calledSymbols', () => {
  test('lists each C function once and leaves out the addon’s own classes and inline functions', () => {
    const source = `
      TF_AutoStatus tf_status; TFE_AutoOp op(TFE_NewOp(context, "Add", s));
      TF_DeleteTensor (t); TFE_NewOp(context, name, s); TF_TString_Init(&x); NOT_TF_Call(y);`;

    expect(calledSymbols(source)).toEqual(['TFE_NewOp', 'TF_DeleteTensor']);
  });

  test('finds the calls of the addon that we build', async () => {
    const source = await readFile(join(addonPackageDir('cpu'), 'binding/tfjs_backend.cc'), 'utf8');

    expect(calledSymbols(source)).toEqual(expect.arrayContaining(['TFE_Execute', 'TFE_NewContext', 'TF_NewTensor']));
  });
});

describe('exportedSymbols', () => {
  test('reads names from nm, without versions', () => {
    const output = '00000000009 T TF_Version\n0000000001f W TFE_NewOp@@TF_2\n                 U malloc\n';

    expect([...exportedSymbols(output)]).toEqual(['TF_Version', 'TFE_NewOp', 'malloc']);
  });
});
