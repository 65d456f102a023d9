import { unknownProtocol } from '../errors.js';
import { leaveOneOut } from './leave-one-out.js';
import { mvtec } from './mvtec.js';
import { oneClass } from './one-class.js';
import { oneClass8020 } from './one-class-80-20.js';
import type { SplitProtocol } from './protocol.js';

const PROTOCOLS: readonly SplitProtocol[] = [oneClass, oneClass8020, leaveOneOut, mvtec];

/** Every protocol, in the order people see them. */
export function listProtocols(): readonly SplitProtocol[] {
  return PROTOCOLS;
}

/** The protocol of this name. @throws AdctlError user `unknown_protocol` with the nearest name as hint. */
export function findProtocol(name: string): SplitProtocol {
  const protocol = PROTOCOLS.find((candidate) => candidate.name === name);
  if (protocol === undefined) {
    throw unknownProtocol(
      name,
      PROTOCOLS.map((candidate) => candidate.name),
    );
  }
  return protocol;
}
