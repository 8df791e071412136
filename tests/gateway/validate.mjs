// Sends deliveries to a real `al`, signed or judged by the senders' own libraries.
//
// usage: validate.mjs <folder with node_modules> <al>

import { spawn } from "node:child_process";
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [, , place, al] = process.argv;
const require = createRequire(path.resolve(place, "package.json"));
const esm = (...parts) =>
  import(pathToFileURL(path.resolve(place, "node_modules", ...parts)).href);

const octokit = await esm("@octokit/webhooks-methods/dist-node/index.js");
const linear = await esm("@linear/sdk/dist/webhooks/index.mjs");
const discord = require("discord-interactions");
const bolt = require("@slack/bolt/dist/receivers/verify-request.js");
const twitter = require("twitter-autohook");
const standard = require("standardwebhooks");

const SECRET = "the secret of the validation";
const WHSEC = `whsec_${Buffer.alloc(32, 7).toString("base64")}`;
const keys = crypto.generateKeyPairSync("ed25519");
const publicKey = Buffer.from(keys.publicKey.export({ format: "jwk" }).x, "base64url").toString("hex");

// --- a project, and the al that serves it -----------------------------------------------------------

const CREDENTIALS = {
  github: ["github_webhook_secret", "secret", SECRET],
  linear: ["linear_webhook_secret", "secret", SECRET],
  slack: ["slack_signing_secret", "secret", SECRET],
  twitter: ["x_twitter_api", "consumer_secret", SECRET],
  discord: ["discord_bot", "public_key", publicKey],
  gitlab: ["gitlab_webhook_secret", "secret", WHSEC],
  generic: ["generic_webhook_secret", "secret", WHSEC],
};
const MORE = { generic: 'signature = { scheme = "standard-webhooks" }\n' };

function write(file, text, mode = 0o600) {
  fs.mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  fs.writeFileSync(file, text, { mode });
}

function writeProject(root) {
  const agent = '[harness]\ntype = "script"\ncommand = "true"\n[runtime]\ntype = "process"\n';
  let config = "";
  for (const [kind, [credential, field, value]] of Object.entries(CREDENTIALS)) {
    config += `[webhooks.${kind}]\ntype = "${kind}"\n${MORE[kind] ?? ""}`;
    write(path.join(root, "home/credentials", credential, "default", field), value);
    const binding = `[[webhooks]]\nsource = "${kind}"\n`;
    write(path.join(root, `project/agents/on-${kind}/config.toml`), binding + agent);
    write(path.join(root, `project/agents/on-${kind}/SKILL.md`), "Play.\n");
  }
  write(path.join(root, "project/config.toml"), config);
}

async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await new Promise((ready) => server.once("listening", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

function request(port, method, target, headers, body) {
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path: target, headers, agent: false };
    const sent = http.request(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (more) => (text += more));
      response.on("end", () => resolve({ status: response.statusCode, text }));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

async function start(root) {
  const port = await freePort();
  const project = path.join(root, "project");
  const env = {
    PATH: process.env.PATH,
    HOME: path.join(root, "home"),
    AL_HOME: path.join(root, "home"),
    USER: "ada",
  };
  const args = ["start", "-H", "-p", project, "--port", String(port)];
  const child = spawn(al, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stdout.on("data", (text) => (said += text));
  child.stderr.on("data", (text) => (said += text));
  const gone = new Promise((resolve) => child.once("exit", resolve));
  for (;;) {
    const up = await request(port, "GET", "/health", {}).catch(() => null);
    if (up?.status === 200) return { port, child, gone };
    if (child.exitCode !== null) throw new Error(`al did not start:\n${said}`);
    await new Promise((later) => setTimeout(later, 50));
  }
}

// --- checks -----------------------------------------------------------------------------------------

let failures = 0;

function check(what, found, expected) {
  const [a, b] = [JSON.stringify(found), JSON.stringify(expected)];
  if (a === b) return console.log(`   ok  ${what}`);
  failures += 1;
  console.error(`   NO  ${what}\n       found    ${a}\n       expected ${b}`);
}

function fixture(kind, name) {
  const file = `tests/fixtures/webhooks/${kind}/${name}.json`;
  return JSON.parse(fs.readFileSync(file, "utf8"));
}

const hmac = (text, digits) => crypto.createHmac("sha256", SECRET).update(text).digest(digits);

// GitLab's signing tokens, and senders that a project describes.
const standardWebhooks = (name) => ({
  name,
  sign: async (body) => {
    const [id, now] = [`msg_${crypto.randomUUID()}`, new Date()];
    const signature = new standard.Webhook(WHSEC).sign(id, now, body);
    const seconds = String(Math.floor(now.getTime() / 1000));
    return { "webhook-id": id, "webhook-timestamp": seconds, "webhook-signature": signature };
  },
  verify: (body, headers) => {
    new standard.Webhook(WHSEC).verify(body, headers);
    return true;
  },
});

// How each sender signs, and what its library says of a delivery.
const SENDERS = {
  // Signs by itself.
  github: {
    name: "issues",
    sign: async (body) => ({ "x-hub-signature-256": await octokit.sign(SECRET, body) }),
    verify: (body, headers) => octokit.verify(SECRET, body, headers["x-hub-signature-256"]),
  },
  gitlab: standardWebhooks("issue"),
  generic: standardWebhooks("standard"),
  // These only verify.
  linear: {
    name: "issues",
    change: (body) => ({ ...body, webhookTimestamp: Date.now() }),
    sign: async (body) => ({ "linear-signature": hmac(body, "hex") }),
    verify: (body, headers) => {
      const client = new linear.LinearWebhookClient(SECRET);
      return client.verify(Buffer.from(body), headers["linear-signature"]);
    },
  },
  slack: {
    name: "app_mention",
    sign: async (body) => {
      const seconds = String(Math.floor(Date.now() / 1000));
      return {
        "x-slack-request-timestamp": seconds,
        "x-slack-signature": `v0=${hmac(`v0:${seconds}:${body}`, "hex")}`,
      };
    },
    verify: (body, headers) => {
      const stamp = Number(headers["x-slack-request-timestamp"]);
      const slack = { ...headers, "x-slack-request-timestamp": stamp };
      return bolt.isValidSlackRequest({ signingSecret: SECRET, body, headers: slack });
    },
  },
  twitter: {
    name: "tweet_create",
    sign: async (body) => ({ "x-twitter-webhooks-signature": `sha256=${hmac(body, "base64")}` }),
    verify: (body, headers) => {
      try {
        return twitter.validateSignature(headers, { consumer_secret: SECRET }, body);
      } catch {
        return false; // Of another length.
      }
    },
  },
  discord: {
    name: "application_command",
    sign: async (body) => {
      const seconds = String(Math.floor(Date.now() / 1000));
      const signature = crypto.sign(null, Buffer.from(seconds + body), keys.privateKey);
      return { "x-signature-timestamp": seconds, "x-signature-ed25519": signature.toString("hex") };
    },
    verify: (body, headers) =>
      discord.verifyKey(
        body,
        headers["x-signature-ed25519"],
        headers["x-signature-timestamp"],
        publicKey,
      ),
  },
};

async function signed(kind, name) {
  const { headers, body } = fixture(kind, name);
  const sender = SENDERS[kind];
  const text = JSON.stringify(sender.change?.(body) ?? body);
  return { headers: { ...headers, ...(await sender.sign(text)) }, text };
}

async function judged(kind, { headers, text }) {
  try {
    return Boolean(await SENDERS[kind].verify(text, headers));
  } catch {
    return false;
  }
}

async function deliveries(port) {
  for (const [kind, sender] of Object.entries(SENDERS)) {
    const right = await signed(kind, sender.name);
    const otherBody = { ...right, text: `${right.text} ` };
    const header = Object.keys(right.headers).find((name) => name.includes("signature") && !name.endsWith("timestamp"));
    const value = right.headers[header];
    const last = value.length - 2;
    const changed = value.slice(0, last) + (value[last] === "0" ? "1" : "0") + value.slice(last + 1);
    const otherDigit = { ...right, headers: { ...right.headers, [header]: changed } };
    const cases = [
      ["as signed", right, true],
      ["with another body", otherBody, false],
      ["with another digit", otherDigit, false],
    ];
    for (const [how, delivery, expected] of cases) {
      const answer = await request(port, "POST", `/webhooks/${kind}`, delivery.headers, delivery.text);
      check(`${kind} ${how}: its library`, await judged(kind, delivery), expected);
      check(`${kind} ${how}: al`, answer.status, expected ? 200 : 401);
    }
  }
}

async function slackIsOld(port) {
  const { headers, body } = fixture("slack", "message");
  const text = JSON.stringify(body);
  const seconds = String(Math.floor(Date.now() / 1000) - 310);
  const signature = `v0=${hmac(`v0:${seconds}:${text}`, "hex")}`;
  const old = {
    headers: { ...headers, "x-slack-request-timestamp": seconds, "x-slack-signature": signature },
    text,
  };
  check("slack five minutes late: its library", await judged("slack", old), false);
  const answer = await request(port, "POST", "/webhooks/slack", old.headers, old.text);
  check("slack five minutes late: al", answer.status, 401);
}

async function handshakes(port) {
  const post = async (kind, name) => {
    const { headers, text } = await signed(kind, name);
    return JSON.parse((await request(port, "POST", `/webhooks/${kind}`, headers, text)).text);
  };
  const { challenge } = fixture("slack", "url_verification").body;
  check("slack url_verification", await post("slack", "url_verification"), { challenge });
  const { InteractionResponseType: type } = discord;
  const wanted = {
    ping: { type: type.PONG },
    application_command: { type: type.DEFERRED_CHANNEL_MESSAGE_WITH_SOURCE },
    modal_submit: { type: type.DEFERRED_CHANNEL_MESSAGE_WITH_SOURCE },
    message_component: { type: type.DEFERRED_UPDATE_MESSAGE },
    autocomplete: { type: type.APPLICATION_COMMAND_AUTOCOMPLETE_RESULT, data: { choices: [] } },
  };
  for (const [name, expected] of Object.entries(wanted)) {
    check(`discord ${name}`, await post("discord", name), expected);
  }
  for (const token of ["a-token", "MTU4NTQ5NDYxNS9hK2I=", crypto.randomUUID()]) {
    const target = `/webhooks/twitter?crc_token=${encodeURIComponent(token)}&nonce=1`;
    const { text } = await request(port, "GET", target, {});
    const expected = twitter.validateWebhook(token, { consumer_secret: SECRET });
    check(`twitter CRC of ${token.length} characters`, JSON.parse(text), expected);
  }
}

const root = fs.mkdtempSync(path.join(os.tmpdir(), "al-validate-"));
writeProject(root);
const running = await start(root);
try {
  await deliveries(running.port);
  await slackIsOld(running.port);
  await handshakes(running.port);
} finally {
  running.child.kill("SIGTERM");
  await running.gone;
  fs.rmSync(root, { recursive: true, force: true });
}
if (failures > 0) {
  console.error(`${failures} of these are not as the senders' libraries say`);
  process.exit(1);
}
