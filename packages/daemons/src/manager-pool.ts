// SPDX-License-Identifier: Apache-2.0

/** The pool of which every manager of a set is an element, for nodes that look for theirs; its term is its priority. */
export const MANAGER_POOL = 'vnfpool.manager';
