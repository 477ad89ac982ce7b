// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path';
import { type DeclaredPool, type DeclaredSet, ONLY_COUNCIL } from '@vnfpool/core/declared';
import type { FaultView } from '@vnfpool/core/management';
import type { FunctionLimits } from '@vnfpool/wire/mobility';
import { type Document, isMap, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { normalAddresses, normalAddressing } from './addresses.ts';
import { checkMeaning, type Finding, healthType, isWitness, nodeNames } from './checks.ts';
import { normalContainer } from './container.ts';
import { tooDeep } from './depth.ts';
import { normalFailoverRules, normalGuard, normalRestart } from './detection.ts';
import { normalFailover } from './failover.ts';
import { findingsOf } from './findings.ts';
import { normalNetns } from './netns.ts';
import { positionOf } from './positions.ts';
import { normalRedundancy } from './redundancy.ts';
import { type DeclarationFile, declarationSchema, type PoolFile } from './schema.ts';
import { normalSharing } from './sharing.ts';
import { normalHooks, normalState } from './state.ts';
import { normalUpgrade } from './upgrade.ts';

/** Octets that a declaration may have. */
export const DECLARATION_OCTETS_MAX = 1_048_576;
/** References to YAML anchors that are followed; a few nested ones would otherwise grow without bound. */
const ALIASES_MAX = 100;
/** Faults told at once. */
const FAULTS_MAX = 100;

/** The set, or every fault found in it. */
export type ReadDeclaration = { readonly set: DeclaredSet } | { readonly faults: readonly FaultView[] };

/**
 * Reads a declaration.
 *
 * @param text the YAML.
 * @param file path for faults; relative directories in it start at this file's place.
 */
export function readDeclaration(text: string, file: string): ReadDeclaration {
  const whole = (message: string): ReadDeclaration => ({
    faults: [{ file, line: 1, column: 1, path: '', message }],
  });
  const octets = text.length > DECLARATION_OCTETS_MAX ? text.length : Buffer.byteLength(text);
  if (octets > DECLARATION_OCTETS_MAX)
    return whole(`the file has ${octets} octets; at most ${DECLARATION_OCTETS_MAX} are read`);

  if (tooDeep(text)) return whole('the file cannot be read: it is nested too deeply');

  const lines = new LineCounter();
  let document: Document;
  let value: unknown;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      strict: true,
      uniqueKeys: true,
    });
    const faults = document.errors.map(({ message, pos }) => {
      const { line, col } = lines.linePos(pos[0]);
      return {
        file,
        line: Math.max(line, 1),
        column: Math.max(col, 1),
        path: '',
        message: message.replace(/\s+/g, ' '),
      };
    });
    if (faults.length > 0) return { faults: faults.slice(0, FAULTS_MAX) };
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (error) {
    // Too many aliases, or an anchor that is not there.
    return whole(`the file cannot be read: ${(error as Error).message}`);
  }

  const place = (findings: readonly Finding[]): ReadDeclaration => ({
    faults: findings
      .map(({ path, message }) => ({
        file,
        ...positionOf(document, lines, path),
        path: path.map(String).join('.'),
        message,
      }))
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .slice(0, FAULTS_MAX),
  });
  const hidden = protoKeys(document);
  const parsed = declarationSchema.safeParse(value);
  if (!parsed.success) return place([...hidden, ...findingsOf(parsed.error.issues)]);
  const findings = [...hidden, ...checkMeaning(parsed.data)];
  return findings.length > 0 ? place(findings) : { set: normalForm(parsed.data, dirname(resolve(file))) };
}

/** The schema library leaves `__proto__` out of its sight, so it is looked for here. */
function protoKeys(document: Document): Finding[] {
  let found = false;
  visit(document, {
    Map(_, node) {
      if (isMap(node) && node.items.some(({ key }) => isScalar(key) && key.value === '__proto__'))
        found = true;
    },
  });
  return found ? [{ path: [], message: 'unknown key "__proto__"' }] : [];
}

function normalForm(file: DeclarationFile, directory: string): DeclaredSet {
  const nodes = nodeNames(file);
  const councils = normalCouncils(file, nodes);
  return {
    name: file.set,
    nodes: nodes.map((name) => ({ name, ...(isWitness(file, name) ? { witness: true as const } : {}) })),
    ...(file.fence ? { fence: { hook: file.fence.hook, timeoutMs: file.fence.timeout } } : {}),
    councils,
    pools: Object.entries(file.pools).map(([name, pool]) => ({
      ...normalPool(name, pool, directory, file.stores),
      council: pool.council ?? councils[0]?.name ?? ONLY_COUNCIL,
    })),
    probes: file.probes.map(({ pool, every, deadline, path }) => ({
      pool,
      everyMs: every,
      deadlineMs: deadline,
      path,
    })),
    ...normalGuard(file.guard),
  };
}

function normalCouncils(
  { council, councils }: DeclarationFile,
  nodes: readonly string[],
): DeclaredSet['councils'] {
  if (councils) return Object.entries(councils).map(([name, members]) => ({ name, members }));
  return [{ name: ONLY_COUNCIL, members: council ?? nodes.slice(0, nodes.length >= 3 ? 3 : 1) }];
}

function normalPool(
  name: string,
  pool: PoolFile,
  directory: string,
  stores: DeclarationFile['stores'],
): Omit<DeclaredPool, 'council'> {
  const { health, stop, limits, netns, container, state, hooks, ...rest } = pool.function;
  return {
    name,
    function: {
      program: rest.program ?? '',
      arguments: rest.arguments,
      // Sorted, so that the order of the file makes no difference.
      environment: Object.fromEntries(Object.entries(rest.environment).sort(([a], [b]) => (a < b ? -1 : 1))),
      directory: container
        ? rest.directory === '.'
          ? ''
          : rest.directory
        : resolve(directory, rest.directory),
      port: rest.port,
      health: {
        type: healthType(health),
        ...(health.http === undefined ? {} : { path: health.http }),
        ...(health.command === undefined ? {} : { command: health.command }),
        intervalMs: health.every,
        timeoutMs: health.timeout,
        rise: health.rise,
        fall: health.fall,
      },
      stop: { signal: stop.signal, graceMs: stop.grace },
      ...(limits === undefined ? {} : { limits: normalLimits(limits) }),
      ...(netns === undefined ? {} : { netns: normalNetns(netns) }),
      ...(container === undefined ? {} : { container: normalContainer(container, directory) }),
      ...(state === undefined ? {} : { state: normalState(state) }),
      ...(hooks === undefined ? {} : { hooks: normalHooks(hooks) }),
    },
    redundancy: normalRedundancy(pool.redundancy),
    policy: pool.policy,
    addresses: normalAddresses(pool),
    ...normalAddressing(pool.addressing),
    failover: { ...normalFailover(pool.failover), ...normalFailoverRules(pool.failover) },
    ...normalRestart(pool.restart),
    ...normalSharing(pool.sharing, stores),
    ...(pool.upgrade === undefined ? {} : { upgrade: normalUpgrade(pool.upgrade) }),
  };
}

function normalLimits({
  processors,
  memory,
  processes,
  storage,
  bandwidth,
}: NonNullable<PoolFile['function']['limits']>): FunctionLimits {
  return {
    ...(processors === undefined ? {} : { processors }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(processes === undefined ? {} : { processes }),
    ...(storage === undefined ? {} : { storageBytes: storage }),
    ...(bandwidth === undefined ? {} : { bandwidthBps: bandwidth }),
  };
}
