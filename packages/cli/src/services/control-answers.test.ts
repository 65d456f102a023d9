import { expect, test } from 'vitest';
import { z } from 'zod';
import { ControlAnswer } from './control-answers.js';

test.each(Object.entries(ControlAnswer))('the answer to %s, or each item of it, has a version', (_verb, answer) => {
  const one = answer instanceof z.ZodArray ? answer.element : answer;

  expect(one.shape.version).toBeInstanceOf(z.ZodType);
});
