import type { Router } from 'hono/router'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'

/**
 * A router in which `POST` to these paths is for their own handlers alone: they do all that the middlewares of other routes do, and
 * Hono calls a single handler without anything around it. All else is as in Hono's own router.
 */
export function createFrontRouter<Handler>(paths: readonly string[]): Router<Handler> {
  const front = new RegExpRouter<Handler>()
  const others = new SmartRouter<Handler>({ routers: [new RegExpRouter(), new TrieRouter()] })
  return {
    name: 'FrontRouter',
    add(method, path, handler) {
      const router = method === 'POST' && paths.includes(path) ? front : others
      router.add(method, path, handler)
    },
    match(method, path) {
      const found = front.match(method, path)
      return found[0].length > 0 ? found : others.match(method, path)
    },
  }
}
