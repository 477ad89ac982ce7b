// SPDX-License-Identifier: Apache-2.0

/**
 * Takes control characters out of text that came from elsewhere (a function's output, a reason), so that it cannot steer the
 * terminal. Line breaks stay where `lines` says so.
 */
export function plain(text: string, lines: 'lines' | 'one line' = 'lines'): string {
  // oxlint-disable-next-line no-control-regex -- they are what this is about
  const kept = text.replaceAll(/\u001b\[[0-9;?]*[ -/]*[@-~]|[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '');
  return lines === 'lines' ? kept : kept.replaceAll(/[\n\t]+/g, ' ');
}
