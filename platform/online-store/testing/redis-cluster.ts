import { execFileSync } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../service/testing/free-port.ts'
import { startTestRedis, type TestRedis } from './redis-server.ts'

/** Three real nodes of a Redis Cluster of the test's own, without replicas; each is stopped by itself. */
export async function startTestCluster(): Promise<TestRedis[]> {
  const args = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port']
  const nodes = await Promise.all(Array.from({ length: 3 }, async () => startTestRedis({ args: [...args, `${await freePort()}`] })))
  const addresses = nodes.map((node) => `127.0.0.1:${node.port}`)
  execFileSync('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-replicas', '0', '--cluster-yes'], { stdio: 'pipe' })
  for (const node of nodes) while (!`${await node.client.cluster('INFO')}`.includes('cluster_state:ok')) await sleep(50)
  return nodes
}
