"""What the official client libraries make of the fake provider: `validate.py <fake-provider>`.

Each library holds the same conversation (a thought, a text, two parallel calls, their results, an
answer), in a stream cut inside of characters and in one piece, meets the same refusals, broken
streams and retries. What it saw is compared with what the script said.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import anthropic
import groq
import openai
from google import genai
from google.genai import errors as genai_errors
from google.genai import types
from mistralai.client import Mistral
from mistralai.client import errors as mistral_errors
from mistralai.client.utils import BackoffStrategy, RetryConfig

BINARY = sys.argv[1]
SCHEMA = {"type": "object", "properties": {"command": {"type": "string"}}, "required": ["command"]}
ARGUMENTS = [{"command": "ls 'schöne Grüße' 💡"}, {"command": "pwd"}]
THOUGHT = "ls will tell, häufig 💭"
TEXT = "Ich schaue nach: das dauert einen Augenblick, bis alles da ist. ✅"
USAGE = {"input": 100, "output": 40, "cacheRead": 60, "thinking": 10}
TURN = {
    "say": [{"thinking": {"text": THOUGHT, "signature": "c2lnbmF0dXJl"}}, {"text": TEXT}]
    + [{"call": {"name": "bash", "arguments": arguments}} for arguments in ARGUMENTS],
    "usage": USAGE,
}
ASK = "What is here?"


class Fake:
    """The provider with a script, for as long as the block runs."""

    def __init__(self, *replies, then=None):
        self.script = {"replies": list(replies)} | ({"then": then} if then else {})

    def __enter__(self):
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump(self.script, file)
        self.process = subprocess.Popen([BINARY, file.name], stdout=subprocess.PIPE, text=True)
        self.root = self.process.stdout.readline().strip()
        os.unlink(file.name)
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def requests(self):
        with urllib.request.urlopen(self.root + "/fake/requests") as answer:
            return json.load(answer)


class Anthropic:
    name = "anthropic"
    thinks = True
    path = "/anthropic"
    overloaded = 529

    def __init__(self, root, retries=0):
        self.client = anthropic.Anthropic(
            api_key="key", base_url=root + self.path, max_retries=retries, timeout=20
        )
        self.messages = [{"role": "user", "content": ASK}]

    def turn(self, stream):
        wanted = dict(
            model="claude-sonnet-5",
            max_tokens=4000,
            messages=self.messages,
            system="Be brief.",
            tools=[{"name": "bash", "description": "runs", "input_schema": SCHEMA}],
        )
        if stream:
            with self.client.messages.stream(**wanted) as events:
                message = events.get_final_message()
        else:
            message = self.client.messages.create(**wanted)
        blocks = message.content
        calls = [block for block in blocks if block.type == "tool_use"]
        self.messages.append({"role": "assistant", "content": blocks})
        if calls:
            results = [
                {"type": "tool_result", "tool_use_id": call.id, "content": "done"} for call in calls
            ]
            self.messages.append({"role": "user", "content": results})
        usage = message.usage
        return {
            "thought": "".join(block.thinking for block in blocks if block.type == "thinking"),
            "text": "".join(block.text for block in blocks if block.type == "text"),
            "calls": [call.input for call in calls],
            "stop": {"tool_use": "calls", "end_turn": "end"}[message.stop_reason],
            "read": usage.input_tokens + usage.cache_read_input_tokens,
            "cached": usage.cache_read_input_tokens,
            "written": usage.output_tokens,
        }

    def unanswered(self):
        call = {"type": "tool_use", "id": "toolu_1", "name": "bash", "input": {}}
        self.messages.append({"role": "assistant", "content": [call]})
        self.messages.append({"role": "user", "content": "well?"})
        self.turn(False)

    @staticmethod
    def status(error):
        return getattr(error, "status_code", None)


class Chat:
    """Chat completions, by the library of OpenAI or one made from the same mould."""

    thinks = True
    library = openai
    overloaded = 503  # does not know 529

    def __init__(self, root, retries=0):
        # Groq's own library adds a part of the path by itself.
        base = root + self.path
        if self.library is groq:
            self.client = groq.Groq(
                api_key="key", base_url=base.removesuffix("/openai/v1"), max_retries=retries, timeout=20
            )
        else:
            self.client = openai.OpenAI(
                api_key="key", base_url=base, max_retries=retries, timeout=20
            )
        self.messages = [{"role": "user", "content": ASK}]

    def turn(self, stream):
        function = {"name": "bash", "description": "runs", "parameters": SCHEMA}
        wanted = dict(
            model="model-1",
            messages=[{"role": "system", "content": "Be brief."}] + self.messages,
            tools=[{"type": "function", "function": function}],
        )
        if not stream:
            answer = self.client.chat.completions.create(**wanted)
            choice, usage = answer.choices[0], answer.usage
            message, stop = choice.message, choice.finish_reason
            thought, text = self.thought(message), message.content or ""
            calls = [(c.id, c.function.name, c.function.arguments) for c in message.tool_calls or []]
            if isinstance(text, list):
                text = "".join(chunk.get("text", "") for chunk in text)
        else:
            thought, text, calls, stop, usage = self.read(wanted)
        message = {"role": "assistant", "content": text}
        if calls:
            message["tool_calls"] = [
                {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
                for id, name, arguments in calls
            ]
        self.messages.append(message)
        for id, _, _ in calls:
            self.messages.append({"role": "tool", "tool_call_id": id, "content": "done"})
        details = usage.prompt_tokens_details
        return {
            "thought": thought,
            "text": text,
            "calls": [json.loads(arguments) for _, _, arguments in calls],
            "stop": {"tool_calls": "calls", "stop": "end"}[stop],
            "read": usage.prompt_tokens,
            "cached": details.cached_tokens,
            "written": usage.completion_tokens,
        }

    def read(self, wanted):
        thought, text, calls, stop, usage = "", "", {}, None, None
        if self.asks_usage:
            wanted["stream_options"] = {"include_usage": True}
        for chunk in self.client.chat.completions.create(stream=True, **wanted):
            usage = chunk.usage or usage
            if self.library is groq and chunk.x_groq and chunk.x_groq.usage:
                usage = chunk.x_groq.usage
            for choice in chunk.choices:
                delta = choice.delta
                thought += self.thought(delta)
                if isinstance(delta.content, str):
                    text += delta.content
                for call in delta.tool_calls or []:
                    known = calls.setdefault(call.index, ["", "", ""])
                    known[0] += call.id or ""
                    known[1] += call.function.name or ""
                    known[2] += call.function.arguments or ""
                stop = choice.finish_reason or stop
        return thought, text, list(calls.values()), stop, usage

    def thought(self, message):
        if isinstance(message.content, list):
            chunks = [c for c in message.content if c["type"] == "thinking"]
            return "".join(part["text"] for c in chunks for part in c["thinking"])
        for field in ("reasoning", "reasoning_content"):
            if getattr(message, field, None):
                return getattr(message, field)
        return ""

    def unanswered(self):
        function = {"name": "bash", "arguments": "{}"}
        call = {"id": "aaaaaaaaa", "type": "function", "function": function}
        self.messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        self.messages.append({"role": "user", "content": "well?"})
        self.turn(False)

    @staticmethod
    def status(error):
        return getattr(error, "status_code", None)


def chat(label, where, **differences):
    """The class of a client that speaks chat completions there."""
    asks = differences.pop("asks_usage", True)
    differences = {"name": label, "path": where, "asks_usage": asks} | differences
    return type(label, (Chat,), differences)


class Responses:
    name = "openai responses"
    thinks = True
    path = "/openai/v1"
    overloaded = 503  # does not know 529

    def __init__(self, root, retries=0):
        self.client = openai.OpenAI(
            api_key="key", base_url=root + self.path, max_retries=retries, timeout=20
        )
        self.items = [{"role": "user", "content": ASK}]

    def turn(self, stream):
        tool = {"type": "function", "name": "bash", "parameters": SCHEMA, "strict": False}
        wanted = dict(
            model="gpt-5",
            instructions="Be brief.",
            input=self.items,
            tools=[tool],
            store=False,
            include=["reasoning.encrypted_content"],
        )
        if stream:
            with self.client.responses.stream(**wanted) as events:
                response = events.get_final_response()
        else:
            response = self.client.responses.create(**wanted)
        kept = ("id", "type", "summary", "encrypted_content", "role", "content", "status")
        kept += ("name", "arguments", "call_id")
        for item in response.output:
            item = item.model_dump(exclude_none=True, mode="json")
            self.items.append({key: value for key, value in item.items() if key in kept})
        calls = [item for item in response.output if item.type == "function_call"]
        for call in calls:
            output = {"type": "function_call_output", "call_id": call.call_id, "output": "done"}
            self.items.append(output)
        thoughts = [item for item in response.output if item.type == "reasoning"]
        assert all(item.encrypted_content for item in thoughts), thoughts
        usage = response.usage
        assert response.status == "completed", response.status
        return {
            "thought": "".join(part.text for item in thoughts for part in item.summary),
            "text": response.output_text,
            "calls": [json.loads(call.arguments) for call in calls],
            "stop": "calls" if calls else "end",
            "read": usage.input_tokens,
            "cached": usage.input_tokens_details.cached_tokens,
            "written": usage.output_tokens,
        }

    def unanswered(self):
        call = {"type": "function_call", "call_id": "call_1", "name": "bash", "arguments": "{}"}
        self.items += [call, {"role": "user", "content": "well?"}]
        self.turn(False)

    status = Chat.status


class Gemini:
    name = "google-genai"
    thinks = True
    path = "/gemini"
    overloaded = 503  # does not know 529

    def __init__(self, root, retries=0):
        options = types.HttpRetryOptions(attempts=retries + 1, initial_delay=0.1, jitter=0)
        http = types.HttpOptions(base_url=root + self.path, retry_options=options, timeout=20_000)
        self.client = genai.Client(api_key="key", http_options=http)
        self.contents = [types.UserContent(ASK)]

    def turn(self, stream):
        declared = {"name": "bash", "description": "runs", "parameters_json_schema": SCHEMA}
        config = types.GenerateContentConfig(
            system_instruction="Be brief.",
            tools=[types.Tool(function_declarations=[declared])],
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )
        wanted = dict(model="gemini-3-pro", contents=self.contents, config=config)
        if stream:
            chunks = list(self.client.models.generate_content_stream(**wanted))
        else:
            chunks = [self.client.models.generate_content(**wanted)]
        parts = [part for chunk in chunks for part in chunk.candidates[0].content.parts or []]
        self.contents.append(types.Content(role="model", parts=parts))
        calls = [part.function_call for part in parts if part.function_call]
        if calls:
            responses = [
                types.Part.from_function_response(name=call.name, response={"output": "done"})
                for call in calls
            ]
            self.contents.append(types.Content(role="user", parts=responses))
        usage = chunks[-1].usage_metadata
        texts = [part for part in parts if part.text]
        assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
        return {
            "thought": "".join(part.text for part in texts if part.thought),
            "text": "".join(part.text for part in texts if not part.thought),
            "calls": [call.args for call in calls],
            "stop": "calls" if calls else "end",
            "read": usage.prompt_token_count,
            "cached": usage.cached_content_token_count or 0,
            "written": usage.candidates_token_count + (usage.thoughts_token_count or 0),
        }

    def unanswered(self):
        call = types.Part(
            function_call=types.FunctionCall(name="bash", args={}), thought_signature=b"proof"
        )
        self.contents.append(types.Content(role="model", parts=[call]))
        self.contents.append(types.UserContent("well?"))
        self.turn(False)

    @staticmethod
    def status(error):
        return error.code if isinstance(error, genai_errors.APIError) else None


class MistralClient:
    name = "mistralai"
    thinks = True
    path = "/mistral"
    overloaded = 503  # does not know 529

    def __init__(self, root, retries=0):
        backoff = BackoffStrategy(100, 200, 1.0, 5_000 if retries else 0)
        retry = RetryConfig("backoff", backoff, False) if retries else None
        self.client = Mistral(
            api_key="key", server_url=root + self.path, retry_config=retry, timeout_ms=20_000
        )
        self.messages = [{"role": "user", "content": ASK}]

    def turn(self, stream):
        function = {"name": "bash", "description": "runs", "parameters": SCHEMA}
        wanted = dict(
            model="magistral-medium-latest",
            messages=self.messages,
            tools=[{"type": "function", "function": function}],
        )
        thought, text, calls, stop, usage = "", "", [], None, None
        if stream:
            answers = [event.data for event in self.client.chat.stream(**wanted)]
        else:
            answers = [self.client.chat.complete(**wanted)]
        for answer in answers:
            usage = answer.usage or usage
            for choice in answer.choices:
                said = choice.delta if stream else choice.message
                content = said.content
                if isinstance(content, list):
                    for chunk in content:
                        if chunk.type == "thinking":
                            thought += "".join(part.text for part in chunk.thinking)
                        else:
                            text += chunk.text
                else:
                    text += content or ""
                calls += said.tool_calls or []
                stop = choice.finish_reason or stop
        self.messages.append({"role": "assistant", "content": text, "tool_calls": calls or None})
        for call in calls:
            self.messages.append({"role": "tool", "tool_call_id": call.id, "content": "done"})
        return {
            "thought": thought,
            "text": text,
            "calls": [json.loads(call.function.arguments) for call in calls],
            "stop": {"tool_calls": "calls", "stop": "end"}[stop],
            "read": usage.prompt_tokens,
            # Its types have no place for what was cached.
            "written": usage.completion_tokens,
        }

    def unanswered(self):
        function = {"name": "bash", "arguments": "{}"}
        call = {"id": "aaaaaaaaa", "type": "function", "function": function}
        self.messages.append({"role": "assistant", "content": "", "tool_calls": [call]})
        self.messages.append({"role": "user", "content": "well?"})
        self.turn(False)

    @staticmethod
    def status(error):
        return error.status_code if isinstance(error, mistral_errors.MistralError) else None


CLIENTS = [
    Anthropic,
    chat("openai", "/openai/v1", thinks=False),
    chat("openai at groq", "/groq/openai/v1"),
    chat("openai at xai", "/xai/v1", written=30),  # thoughts apart
    chat("openai at mistral", "/mistral/v1", asks_usage=False),
    chat("openai at openrouter", "/openrouter/api/v1"),
    chat("openai at llama-server", "/llama/v1"),
    chat("groq", "/groq/openai/v1", library=groq, asks_usage=False),
    Responses,
    Gemini,
    MistralClient,
]


def same(found, expected, what):
    assert found == expected, f"{what}\n      found    {found!r}\n      expected {expected!r}"


def conversation(Client):
    """What is said arrives, and what is sent back is taken."""
    cuts = ((True, {"every": 1}), (True, {"every": 7}), (True, {}), (False, {"every": 5}))
    for stream, cut in cuts:
        last = {"say": "Nothing is here.", "usage": {"input": 7, "output": 3}}
        with Fake(TURN | cut, last | cut) as fake:
            client = Client(fake.root)
            expected = {
                "thought": THOUGHT if Client.thinks else "",
                "text": TEXT,
                "calls": ARGUMENTS,
                "stop": "calls",
                "read": 160,
                "cached": 60,
                "written": getattr(Client, "written", 40),
            }
            where = f"stream {stream}, cut {cut}"
            found = client.turn(stream)
            same(found, {key: expected[key] for key in found}, where)
            end = {"thought": "", "text": "Nothing is here.", "calls": [], "stop": "end"}
            end |= {"read": 7, "cached": 0, "written": 3}
            found = client.turn(stream)
            same(found, {key: end[key] for key in found}, f"{where}, the end")
            same([seen["refused"] for seen in fake.requests()], [None, None], "refused")


def refusals(Client):
    """Each status is the error that the library has for it."""
    for status in (400, 401, 403, 404, 413, 429, 500, 503, 529):
        with Fake({"status": status}) as fake:
            expected = Client.overloaded if status == 529 else status
            if status == 404 and "mistral" in Client.path:
                expected = 400  # an unknown model, there
            same(failure(Client, fake), expected, f"status {status}")
    with Fake() as fake:
        client = Client(fake.root)
        try:
            client.unanswered()
            raise AssertionError("a call without its result was taken")
        except AssertionError:
            raise
        except Exception as error:
            same(Client.status(error), 400, f"a call without its result: {error}")


def failure(Client, fake, stream=True):
    try:
        answer = Client(fake.root).turn(stream)
    except AssertionError:
        raise
    except Exception as error:
        return Client.status(error) or type(error).__mro__
    raise AssertionError(f"no error: {answer}")


def broken(Client):
    """A stream that breaks off is an error, however it does."""
    for how in ({"reset": 300}, {"closed": 300}, {"hangUp": True}):
        with Fake(TURN | how) as fake:
            found = failure(Client, fake)
            assert not isinstance(found, int), f"{how}: {found}"
    # In the middle the status is 200, and the error an event. Mistral's library has no eye for it.
    if Client is not MistralClient:
        with Fake({"say": TEXT, "status": 529}) as fake:
            failure(Client, fake)


def retries(Client):
    """What can be tried again is, and what cannot is not."""
    answer = {"say": "At last.", "usage": {"input": 7, "output": 3}}
    with Fake({"status": 503}, {"status": 429, "retryAfter": 1}, answer) as fake:
        same(Client(fake.root, retries=3).turn(False)["text"], "At last.", "after two refusals")
        same(len(fake.requests()), 3, "requests")
    with Fake({"status": 401}, answer) as fake:
        try:
            Client(fake.root, retries=3).turn(False)
            raise AssertionError("a wrong key was tried again")
        except AssertionError:
            raise
        except Exception:
            same(len(fake.requests()), 1, "requests with a wrong key")


def look(Client):
    """What is wrong with what this client saw."""
    wrong = []
    for check in (conversation, refusals, broken, retries):
        try:
            check(Client)
        except Exception as error:
            wrong.append(f"{Client.name}: {check.__name__}: {type(error).__name__}: {error}")
    return wrong


def main():
    wrong = 0
    # They wait for most of the time.
    with ThreadPoolExecutor(4) as pool:
        for Client, found in zip(CLIENTS, pool.map(look, CLIENTS)):
            wrong += len(found)
            print("\n".join(f"   {line}" for line in found or [f"{Client.name}: agrees"]), flush=True)
    if wrong:
        sys.exit(f"{wrong} checks of the fake provider failed")


main()
