// A page for browser_test.go. It asks what the pages of intelmq-manager ask, in
// their order and at their pace, and leans on the same details of the answers.
"use strict";

const api = "/intelmq/v1/api/";

// What the files of the configuration say, by bot. Undefined until it has come.
let runtime, positions;

// The bots that were changed here and not saved.
const changed = new Set();

const $ = (selector) => document.querySelector(selector);
const say = (text) => { $("#message").textContent = text; };

// ask returns the body of an answer. What is not 2xx is an error that tells it raw.
async function ask(route, options = {}) {
	const headers = { "X-Requested-With": "XMLHttpRequest", ...options.headers };
	const token = sessionStorage.getItem("login_token");
	if (token) headers.Authorization = token;
	const answer = await fetch(api + route, { ...options, headers });
	const text = await answer.text();
	if (!answer.ok) throw new Refusal(text);
	return text;
}

class Refusal extends Error {}

// A poll asks again and again. The pause begins when the answer has come, and adapts
// to how long that took.
class Poll {
	constructor(name, route, nominal, show) {
		Object.assign(this, { name, route, nominal, show, pause: nominal, answers: 0 });
	}

	// An error of show is not caught: it ends the poll.
	async ask() {
		clearTimeout(this.timer);
		const mine = this.last = Symbol();
		const began = performance.now();
		try {
			const answer = JSON.parse(await ask(this.route));
			if (mine !== this.last) return;
			this.adapt(performance.now() - began);
			if (this.show(answer)) return this.ask();
		} catch (error) {
			if (!(error instanceof Refusal)) throw error;
			say(error.message);
		}
		if (mine === this.last) this.timer = setTimeout(() => this.ask(), this.pause);
	}

	adapt(took) {
		if (took > this.pause / 3) this.pause = Math.min(this.pause + 100, 10 * this.nominal);
		else if (took < this.pause / 4) this.pause = Math.max(this.pause - 100, this.nominal - 100);
		$(`#${this.name}-answers`).textContent = ++this.answers;
		const pause = $(`#${this.name}-pause`);
		if (pause) pause.textContent = this.pause;
	}
}

const botnet = new Poll("botnet", "botnet?action=status&group=botnet", 3000, showBotnet);
const queues = new Poll("queues", "queues", 1000, showQueues);

// showBotnet shows the status of all bots, and reports whether to ask again at once.
// It takes runtime for granted, which was asked for first.
function showBotnet(statuses) {
	for (const [id, status] of Object.entries(statuses)) {
		const row = rowOf(id, runtime[id].description);
		row.dataset.group = runtime[id].groupname;
		showStatus(row, status);
	}
	return Object.values(statuses).includes("unknown");
}

function showStatus(row, status) { row.querySelector(".status").textContent = status; }

function showQueues(bots) {
	for (const [id, bot] of Object.entries(bots)) {
		const cell = $(`#bot-${id} .queue`);
		if (cell && bot.source_queue) cell.textContent = bot.source_queue[1];
	}
}

// rowOf is the row of a bot, which is made when it is first seen.
function rowOf(id, description) {
	let row = document.getElementById("bot-" + id);
	if (row) return row;
	row = $("#botnet tbody").insertRow();
	row.id = "bot-" + id;
	row.innerHTML = `<td class="id"><td class="status"><td class="queue"><td><input class="description">
		<td><button class="right">&rarr;</button><td><button class="start">Start</button><button class="stop">Stop</button>`;
	row.querySelector(".id").textContent = id;
	const field = row.querySelector(".description");
	field.value = description;
	field.oninput = () => { runtime[id].description = field.value; changed.add(id); };
	row.querySelector(".right").onclick = () => { positions[id].x += 10; changed.add(id); };
	for (const action of ["start", "stop"]) {
		row.querySelector("." + action).onclick = () => act(row, action, id);
	}
	return row;
}

// act has something done with a bot, and asks for all statuses afterwards.
async function act(row, action, id) {
	row.querySelector(".status").textContent = "…";
	const answer = JSON.parse(await ask(`bot?action=${action}&id=${encodeURIComponent(id)}`));
	showStatus(row, Array.isArray(answer) ? answer.at(-1) : answer);
	botnet.ask();
}

// save saves runtime, then positions, and then has the bots that were changed read
// it, all at once. Only the one word means that something is saved.
async function save() {
	for (const bot of Object.values(runtime)) {
		if (bot.groupname === "outputs") bot.parameters.destination_queues = {};
	}
	try {
		for (const [route, value] of [["runtime", runtime], ["positions", positions]]) {
			const answer = await ask(route, {
				method: "POST", body: JSON.stringify(value),
				headers: { "Content-Type": "application/json" },
			});
			if (answer !== "success") return say(answer);
		}
		await Promise.all([...changed].map((id) => ask(`bot?action=reload&id=${encodeURIComponent(id)}`)));
	} catch (error) {
		if (!(error instanceof Refusal)) throw error;
		return say(`Not saved: ${error.message}`);
	}
	say(`Saved. Bots that were reloaded: ${changed.size}.`);
	changed.clear();
}

// logIn gets a token, which belongs to this tab.
async function logIn(form) {
	const answer = await fetch(api + "login", {
		method: "POST", body: new URLSearchParams(new FormData(form)), signal: AbortSignal.timeout(3000),
	});
	const told = await answer.json();
	if (!answer.ok) {
		return say(told.errors ? Object.values(told.errors).join(" ") : "The log-in has failed for a reason that is not told.");
	}
	sessionStorage.setItem("login_token", told.login_token);
	say(`Logged in as ${told.username}.`);
	open();
}

// open asks for everything, in the order of the real page: the status does not wait
// for runtime.
function open() {
	$("#login").hidden = true;
	ask("runtime").then((text) => { runtime = JSON.parse(text); });
	botnet.ask();
	queues.ask();
	ask("positions").then((text) => { positions = JSON.parse(text); });
}

$("#login").onsubmit = (event) => { event.preventDefault(); logIn(event.target); };
$("#save").onclick = save;
if (sessionStorage.getItem("login_token")) open();
