// SPDX-License-Identifier: Apache-2.0
export { type ElementFacts, elementTables } from './element-tables.ts';
export { type RegistrarFacts, registrarTables } from './registrar-tables.ts';
export { type UserFacts, userTables } from './user-tables.ts';
export type { MibRow, MibTable } from './values.ts';
