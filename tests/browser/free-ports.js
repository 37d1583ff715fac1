// Prints three ports that nobody listens on.
import net from "node:net";

const servers = await Promise.all(
  [1, 2, 3].map(
    () =>
      new Promise((resolve) => {
        const server = net.createServer().listen(0, "127.0.0.1", () => resolve(server));
      }),
  ),
);
console.log(servers.map((server) => server.address().port).join(" "));
for (const server of servers) server.close();
