import { createUser } from 'nkeys.js';

/** A new user key: the seed is the secret, for a file of mode 0600; the public key goes into the server's configuration. */
export function createUserKey(): { readonly seed: string; readonly publicKey: string } {
  const pair = createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}
