// SPDX-License-Identifier: Apache-2.0
import type { ComponentAssociation, ComponentId, ComponentStatus } from '../csp/index.ts';
import { type Field, list, nullable, object } from './field.ts';
import { bigInteger, flag, fraction, oneOf, text, u8, u16, u32, u64 } from './value-fields.ts';

const component = object<ComponentId>({ group: u8, identifier: bigInteger(56) });

export const cspFields: Field<ComponentStatus> = object<ComponentStatus>({
  type: oneOf('report'),
  final: flag,
  sender: component,
  timestamp: u64,
  intervalUs: u32,
  location: text,
  status: text,
  workload: nullable(fraction(1)),
  associations: list(
    object<ComponentAssociation>({
      receiver: component,
      durationUs: nullable(u64),
      flags: u16,
      protocol: u16,
      payloadProtocol: u32,
    }),
  ),
});
