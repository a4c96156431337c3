import process from 'node:process'

// Sends the listening socket that it is given back, as often as asked: what comes back is a copy, on the same port and queue.
process.on('disconnect', () => process.exit())
process.once('message', async ({ copies }, server) => {
  const accepted = []
  // Whoever is accepted here meanwhile is handed over unread.
  server.pauseOnConnect = true
  server.on('connection', (socket) => accepted.push(send('connection', socket)))
  for (let copy = 0; copy < copies; copy++) await send('listener', server)
  // Accepts no more from here on. It would call back when the connections that were handed over have ended, there too.
  server.close()
  await Promise.all(accepted)
  process.send('done')
})

/** Resolves when it is sent; a client that has gone by then has nothing to be handed over. */
function send(message, handle) {
  return new Promise((resolve) => process.send(message, handle, resolve))
}
