// SPDX-License-Identifier: Apache-2.0

import { type RegistrarTuning, registrarRates, registrarVariables } from '@vnfpool/core/scope';
import { type ConfigSchema, z } from '@vnfpool/runtime/config';
import { type LogLevel, logLevels } from '@vnfpool/runtime/logging';

/** Settings of the registrar daemon; what each means and its default stands in the schema. */
export interface RegistrarConfig {
  readonly name: string;
  readonly folder: string;
  readonly token?: string | undefined;
  readonly listen: { readonly host: string; readonly port: number };
  readonly address?: string | undefined;
  readonly associationsMax: number;
  readonly keepAlive: { readonly periodMs: number; readonly timeoutMs: number };
  readonly associationGraceMs: number;
  readonly lifeUnit: 'seconds' | 'milliseconds';
  readonly announceEveryMs: number;
  readonly enrp: readonly string[];
  readonly peers: readonly string[];
  readonly tuning: RegistrarTuning;
  readonly log: { readonly level: LogLevel; readonly file?: string | undefined };
}

const rateSchema = z.strictObject({ perSecond: z.number().positive(), burst: z.number().positive() });

const tuningSchema = z.strictObject({
  ...Object.fromEntries(
    registrarVariables.map(({ option, min, help }) => [option, z.int().min(min).optional().describe(help)]),
  ),
  ...Object.fromEntries(
    registrarRates.map(({ option, help }) => [option, rateSchema.optional().describe(help)]),
  ),
});

/** Its schema, for `loadConfig`. */
export const registrarConfig: ConfigSchema<RegistrarConfig> = z.strictObject({
  name: z.string().min(1).max(63).describe('Name of this registrar in its set'),
  folder: z.string().min(1).describe('Folder of its state: credentials, status socket'),
  token: z.string().optional().describe('Join token; not needed once it has joined'),
  listen: z
    .strictObject({
      host: z.union([z.ipv4(), z.ipv6()]).default('0.0.0.0').describe('Address to listen on'),
      port: z.int().min(0).max(65_535).default(3864).describe('Port to listen on; 0: any'),
    })
    .prefault({}),
  address: z
    .union([z.ipv4(), z.ipv6()])
    .optional()
    .describe('Address that others reach it at; default: the one it listens on'),
  associationsMax: z.int().min(1).default(4096).describe('Connections at once'),
  keepAlive: z
    .strictObject({
      periodMs: z.int().min(0).default(5000).describe('Between two keep-alives to one element; 0: none'),
      timeoutMs: z.int().min(1).default(5000).describe('How long an answer to a keep-alive may take'),
    })
    .prefault({}),
  associationGraceMs: z
    .int()
    .min(0)
    .default(1000)
    .describe('How long an element may be without connection before it is removed'),
  lifeUnit: z
    .enum(['seconds', 'milliseconds'])
    .default('seconds')
    .describe('Unit of registration lives on the wire: seconds by RFC 5354, milliseconds with rsplib'),
  announceEveryMs: z.int().min(100).default(10_000).describe('How often it tells the manager where it is'),
  enrp: z
    .array(z.string())
    .default([])
    .describe('Endpoints to listen on for other registrars, such as tls://192.0.2.1:9902; none: no peers'),
  peers: z.array(z.string()).default([]).describe('Endpoints of registrars to join by'),
  tuning: tuningSchema.prefault({}),
  log: z
    .strictObject({
      level: z.enum(logLevels).default('info').describe('Least level that is logged'),
      file: z.string().optional().describe('File to log to; default: standard error'),
    })
    .prefault({}),
});
