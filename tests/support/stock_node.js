// Has a stock SDK for Node.js say the same things: node stock_node.js SDK ADDRESS WRITE_KEY [rest]
const [, , sdk, host, writeKey, calls] = process.argv;
const user = { userId: "N1" };
const traits = { name: "林佳穎", email: "a@example.tw", phone: "+886912345678", plan: "gold" };
const paid = { ...user, event: "Paid", properties: { total: 680 }, timestamp: new Date(1760000000123) };

function say(client) {
  if (calls !== "rest") {
    client.identify({ ...user, traits });
    client.track(paid);
    return;
  }
  client.group({ ...user, groupId: "G1", traits: { plan: "team" } });
  client.page({ ...user, name: "Home", properties: { url: "https://shop.example/" } });
  client.screen({ ...user, name: "Cart", properties: { items: 2 } });
  client.alias({ ...user, previousId: "former-browser" });
}

async function rudderstack() {
  const Analytics = require("@rudderstack/rudder-sdk-node");
  const client = new Analytics(writeKey, { dataPlaneUrl: host, retryCount: 0 });
  say(client);
  await client.flush();
  await client.flush();
}

async function segment() {
  const { Analytics } = require("@segment/analytics-node");
  const client = new Analytics({ writeKey, host, maxRetries: 0 });
  client.on("error", (error) => console.error(error));
  say(client);
  await client.closeAndFlush();
}

({ rudderstack, segment })[sdk]().catch((error) => {
  console.error(error);
  process.exit(1);
});
