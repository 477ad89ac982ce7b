// SPDX-License-Identifier: Apache-2.0
import type { TokenView } from '@vnfpool/core/management';
import { showAge } from '../output/duration.ts';
import type { Column } from '../output/table.ts';

export const tokenColumns: readonly Column<TokenView>[] = [
  { title: 'ID', cell: (token) => token.id },
  { title: 'ROLE', cell: (token) => token.role },
  { title: 'NAME', cell: (token) => token.name },
  { title: 'MADE', cell: (token, now) => `${showAge(token.createdAt, now)} ago` },
  { title: 'STATUS', cell: status },
];

function status(token: TokenView, now: number): string {
  if (token.usedAt !== null) return `used ${showAge(token.usedAt, now)} ago`;
  return token.expiresAt <= now ? 'expired' : `good for ${showAge(now, token.expiresAt)}`;
}
