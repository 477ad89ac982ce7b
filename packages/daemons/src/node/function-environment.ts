// SPDX-License-Identifier: Apache-2.0

/** The environment of a function: ours without our own settings, which are not its business, and what its specification adds. */
export function environmentOf(
  added: Readonly<Record<string, string>>,
  fill: (text: string) => string,
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(process.env)) {
    if (value !== undefined && !name.startsWith('VNFPOOL_')) environment[name] = value;
  }
  for (const [name, value] of Object.entries(added)) environment[name] = fill(value);
  return environment;
}
