// SPDX-License-Identifier: Apache-2.0
export { type Deadline, Deadlines } from './deadlines.ts';
