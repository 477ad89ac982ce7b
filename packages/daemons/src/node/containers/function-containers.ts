// SPDX-License-Identifier: Apache-2.0
import { mkdirSync, rmSync } from 'node:fs';
import { type ContainerProbe, OciRuntime, probeContainers } from '@vnfpool/platform/containers';
import type { FunctionSpecification } from '@vnfpool/wire/mobility';
import { missingFile } from './container-plan.ts';
import { FunctionContainer } from './function-container.ts';

/** Containers for the functions of a node, as far as it has a runtime that may make them. */
export class FunctionContainers {
  /** For people: `crun 1.8.1`. */
  readonly description: string;
  readonly #runtime: OciRuntime;
  readonly #folder: string;
  readonly #probe: ContainerProbe;
  readonly #ending = new Set<Promise<void>>();

  private constructor(runtime: OciRuntime, folder: string, probe: ContainerProbe) {
    this.#runtime = runtime;
    this.#folder = folder;
    this.#probe = probe;
    this.description = runtime.description;
  }

  /**
   * Looks for a runtime, and tries it.
   * @param folder of the agent, which it has locked; absolute
   * @param only the runtime that is wanted; default: the first that there is
   * @returns the reason when this node cannot run containers
   */
  static async open(folder: string, only?: 'crun' | 'runc'): Promise<FunctionContainers | string> {
    const bundles = `${folder}/containers/bundles`;
    const runtime = await OciRuntime.find(`${folder}/containers/runtime`, only);
    if (typeof runtime === 'string') return runtime;
    mkdirSync(bundles, { recursive: true, mode: 0o700 });
    const probe = await probeContainers(runtime, bundles);
    return probe.containers === null
      ? new FunctionContainers(runtime, bundles, probe)
      : `${runtime.description} starts none: ${probe.containers}; the agent must be root, in a system that lets it mount and unshare`;
  }

  /**
   * Ends containers that an agent of this folder left behind when it was killed.
   * @param keep names of runs that go on
   * @returns what went wrong, one text a container
   */
  async removeLeft(keep: ReadonlySet<string> = new Set()): Promise<string[]> {
    const kept = new Set([...keep].map(idOf));
    const left = this.#runtime.list().filter((id) => !kept.has(id));
    const failures = await Promise.all(
      left.map(async (id) => {
        const failure = await this.#runtime.delete(id);
        rmSync(`${this.#folder}/${id}`, { recursive: true, force: true });
        return failure === null ? [] : [`container ${id}: ${failure}`];
      }),
    );
    return failures.flat();
  }

  /** Why such a container cannot run here, for the answer to an ADD; null: it can, as far as can be seen now. */
  refusal(specification: Pick<FunctionSpecification, 'container' | 'limits'>): string | null {
    const { ownRoots } = this.#probe;
    if (specification.limits?.storageBytes !== undefined && ownRoots !== null)
      return `limit not enforceable: storage (no root of its own: ${ownRoots})`;
    return missingFile(specification);
  }

  /** Ends one whose run is over; nobody waits for it but `close`. */
  end(container: FunctionContainer, warn: (message: string) => void = () => undefined): void {
    const ending = container
      .close()
      .then((failure) => {
        if (failure !== null) warn(`container ${container.id} is not removed: ${failure}`);
      })
      .finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Waits for those that are being ended. */
  async close(): Promise<void> {
    await Promise.all(this.#ending);
  }

  /** @param name of the run, unique among those that are there; the same name is the same container, also of a former agent */
  of(name: string): FunctionContainer {
    return new FunctionContainer(this.#runtime, this.#folder, idOf(name));
  }
}

/** As runtimes take it. */
function idOf(name: string): string {
  return name.replaceAll(/[^A-Za-z0-9_.-]/g, '-');
}
