// SPDX-License-Identifier: Apache-2.0
import type { Health } from '@vnfpool/core/management';
import type { Tone } from '../output/paint.ts';

export function healthTone(health: Health): Tone {
  switch (health) {
    case 'whole':
      return 'good';
    case 'degraded':
      return 'warning';
    case 'down':
      return 'bad';
  }
}
