import { setTimeout } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'

/**
 * Pings the server from a thread of its own, so that making rows in the bench does not count as the server's delay. It is
 * JavaScript because workers get no loader.
 */
const deadline = performance.now() + workerData.seconds * 1000
const times = []
while (performance.now() < deadline) {
  const begun = performance.now()
  const response = await fetch(`${workerData.url}/ping`)
  await response.text()
  times.push(performance.now() - begun)
  await setTimeout(50)
}
parentPort.postMessage(times)
