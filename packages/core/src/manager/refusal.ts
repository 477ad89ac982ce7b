// SPDX-License-Identifier: Apache-2.0
import type { ManagerRefusal, ManagerReply } from './types.ts';

export type Refusal = Extract<ManagerReply, { readonly ok: false }>;

/** What a person who asks for something impossible is told. */
export function refuse(code: ManagerRefusal, message: string): Refusal {
  return { ok: false, code, message };
}
