// SPDX-License-Identifier: Apache-2.0

/** What a specification adds, with its replacements made. */
export function addedEnvironment(
  added: Readonly<Record<string, string>>,
  fill: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(added).map(([name, value]) => [name, fill(value)]));
}

/** The environment of a function: ours without our own settings, which are not its business, and what its specification adds. */
export function environmentOf(
  added: Readonly<Record<string, string>>,
  fill: (text: string) => string,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('VNFPOOL_')) environment[name] = value;
  }
  return { ...environment, ...addedEnvironment(added, fill) };
}
