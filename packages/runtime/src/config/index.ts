// SPDX-License-Identifier: Apache-2.0

export { z } from 'zod';
export * from './config-options.ts';
export * from './load-config.ts';
