import { type TestWarehouse, startTestWarehouse } from '../../embedded-warehouse/testing/warehouse-chdb.ts'

/** A warehouse that has `gold.t`: a thousand rows of an id and its text. */
export async function startWithTableOfGold(): Promise<TestWarehouse> {
  const server = await startTestWarehouse()
  await server.warehouse.command('CREATE DATABASE gold')
  await server.warehouse.command('CREATE TABLE gold.t (id UInt64, s String) ENGINE = MergeTree ORDER BY id')
  await server.warehouse.command('INSERT INTO gold.t SELECT number, toString(number) FROM numbers(1000)')
  return server
}
