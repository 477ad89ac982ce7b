// SPDX-License-Identifier: Apache-2.0
import type { DeclaredRedundancy } from '@vnfpool/core/declared';
import { z } from 'zod';
import type { Finding } from './checks.ts';
import { count } from './words.ts';

export interface RedundancyFile {
  readonly model?: Model | undefined;
  readonly slots?: number | undefined;
  readonly standbys?: number | undefined;
  readonly spares: number;
  readonly instances?: number | undefined;
  readonly slotsPerInstance?: number | undefined;
}

const MODELS = ['none', '1+1', 'N+1', 'N+M', 'n-way', 'n-way-active'] as const;
type Model = (typeof MODELS)[number];

export const redundancySchema: z.ZodType<RedundancyFile, unknown> = z.strictObject({
  model: z.enum(MODELS).optional().meta({
    description:
      'Name of the model; the numbers have to fit it, and `1+1` and `N+1` say how many standbys there are. `n-way`: `instances` share the slots, and each may take those of others.',
  }),
  slots: count(1, 64).optional().meta({
    description: 'Slots that are held at the same time. Default: 1; of `n-way` as many as `instances`.',
  }),
  standbys: count(0, 64).optional().meta({
    description: 'Instances that stand by to take over a slot. Default: 0, or what `model` says.',
  }),
  spares: count(0, 64)
    .default(0)
    .meta({ description: 'Instances that run and become standbys when one is needed.' }),
  instances: count(2, 64)
    .optional()
    .meta({ description: 'Of `n-way` only: how many instances share the slots.' }),
  slotsPerInstance: count(1, 64).optional().meta({
    description:
      'Of `n-way` only: how many slots an instance may hold at a time. Default: so many that the others can hold all when one is gone.',
  }),
});

export function normalRedundancy({
  model,
  slots,
  standbys,
  spares,
  instances,
  slotsPerInstance,
}: RedundancyFile): DeclaredRedundancy {
  if (model === 'n-way' && instances !== undefined) {
    const shared = slots ?? instances;
    const most = slotsPerInstance ?? Math.ceil(shared / (instances - 1));
    return { slots: shared, standbys: 0, spares: 0, instances, slotsPerInstance: most };
  }
  const wanted = model === '1+1' || model === 'N+1' ? 1 : 0;
  return { slots: slots ?? 1, standbys: standbys ?? wanted, spares };
}

/** Numbers that do not fit the model that is named, with what would. */
export function checkRedundancy(at: readonly PropertyKey[], file: RedundancyFile): Finding[] {
  const { model, spares, instances, slotsPerInstance } = file;
  const { slots, standbys } = normalRedundancy(file);
  const finding = (key: keyof RedundancyFile, message: string): Finding => ({ path: [...at, key], message });
  const findings: Finding[] = [];
  const must = (isSo: boolean, key: keyof RedundancyFile, message: string): void => {
    if (!isSo) findings.push(finding(key, message));
  };
  if (model !== 'n-way') {
    for (const key of ['instances', 'slotsPerInstance'] as const)
      must(
        file[key] === undefined,
        key,
        'belongs to model n-way only; slots, standbys and spares say how many instances there are',
      );
  }
  switch (model) {
    case undefined:
      break;
    case 'none':
      must(slots === 1, 'slots', 'model none has one slot');
      must(standbys === 0, 'standbys', 'model none has no standbys; 1+1 has one');
      must(spares === 0, 'spares', 'model none has no spares');
      break;
    case '1+1':
      must(slots === 1, 'slots', 'model 1+1 has one slot; N+1 has more');
      must(standbys === 1, 'standbys', 'model 1+1 has one standby; N+M has more');
      break;
    case 'N+1':
      must(slots >= 2, 'slots', 'model N+1 has two slots or more; 1+1 has one');
      must(standbys === 1, 'standbys', 'model N+1 has one standby; N+M has more');
      break;
    case 'N+M':
      must(standbys >= 1, 'standbys', 'model N+M has standbys: say how many');
      break;
    case 'n-way-active':
      must(slots >= 2, 'slots', 'model n-way-active has two slots or more: say how many');
      must(standbys === 0, 'standbys', 'in model n-way-active everybody is active; N+M has standbys');
      must(spares === 0, 'spares', 'in model n-way-active everybody is active');
      break;
    case 'n-way': {
      must(
        file.standbys === undefined || file.standbys === 0,
        'standbys',
        'in model n-way the instances stand by for each other',
      );
      must(spares === 0, 'spares', 'in model n-way the instances stand by for each other');
      if (instances === undefined) {
        findings.push(finding('model', 'model n-way needs instances: how many share the slots'));
        break;
      }
      const least = Math.ceil(slots / (instances - 1));
      must(
        (slotsPerInstance ?? least) >= least,
        'slotsPerInstance',
        `must be ${least} or more, so that ${instances - 1} instances can hold all ${slots} slots when one is gone`,
      );
    }
  }
  return findings;
}
