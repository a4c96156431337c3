import process from 'node:process'

// Sends the listening socket that it is given back, as often as asked: what comes back is a copy, on the same port and queue.
process.on('disconnect', () => process.exit())
process.once('message', async ({ copies }, server) => {
  // Whoever is accepted here meanwhile is handed over unread.
  server.pauseOnConnect = true
  server.on('connection', (socket) => void send('connection', socket))
  for (let copy = 0; copy < copies; copy++) await send('listener', server)
  server.close(() => process.send('done'))
})

function send(message, handle) {
  return new Promise((resolve, reject) => process.send(message, handle, (error) => (error === null ? resolve() : reject(error))))
}
