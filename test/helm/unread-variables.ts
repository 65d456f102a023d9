import { inspect } from 'node:util';

type Variables = Readonly<Record<string, string>>;

/** Our variables among these that make no difference to the settings they are read into: nothing reads them. */
export function findUnread(variables: Variables, read: (variables: Variables) => unknown): string[] {
  // As text: settings hold functions, which are never equal.
  const settingsOf = (given: Variables) => inspect(read(given), { depth: null });
  const before = settingsOf(variables);
  const matters = (name: string) => {
    try {
      return settingsOf({ ...variables, [name]: 'another-value' }) !== before;
    } catch {
      return true; // it was read: the other value is refused
    }
  };
  return Object.keys(variables).filter((name) => name.startsWith('ADCTL_') && !matters(name));
}
