import { Redis } from 'ioredis'
import { airports } from '../logger/flights.ts'

const countOf = (index: number) => 10 + index
const meanDelayOf = (index: number) => 4.5 + index

/** Puts windows' values into Redis as a job of the peers' users would have put them there, ready to be read. */
export async function fillPeerFeatures(redisUrl: string): Promise<void> {
  const client = new Redis(redisUrl)
  for (const [index, airport] of airports.entries()) {
    for (const view of ['arrivals', 'departures'])
      await client.hset(`${view}:${airport}`, { count_3h: countOf(index), mean_delay_3h: meanDelayOf(index) })
  }
  client.disconnect()
}

/** The model's nine inputs for the first of the flights, as the peers are to assemble them: 8 o'clock on a Monday in Atlanta. */
export function toFirstRow({ origin, destination, distance }: { origin: string; destination: string; distance: number }): number[] {
  const windows = [origin, destination, origin].map((airport) => airports.indexOf(airport))
  return [distance, 8, 1, ...windows.flatMap((index) => [countOf(index), meanDelayOf(index)])]
}
