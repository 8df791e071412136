"""Drives the fake provider with the providers' own clients and checks what they saw.

usage: validate.py <fake-provider>
"""

import json
import subprocess
import sys
import tempfile

import anthropic
import groq
import openai
import pydantic
from google import genai
from google.genai import errors as google_errors
from google.genai import types as google_types
from mistralai.client import Mistral
from mistralai.client import errors as mistral_errors

TEXT = "Zażółć gęślą jaźń 🦀, und dann noch etwas mehr Text."
THOUGHT = "Erst nachdenken – dann antworten 🤔."
ARGUMENTS = {"command": "printf 'ä🦀\\n'", "timeout": 5}
USAGE = {"input": 70, "output": 30, "cache_read": 900, "cache_write": 0}
TOOL = {
    "type": "object",
    "properties": {"command": {"type": "string"}, "timeout": {"type": "integer"}},
    "required": ["command"],
}
# Cuts characters and JSON in their middle.
REPLY = {
    "thinking": THOUGHT,
    "text": TEXT,
    "calls": [{"tool": "bash", "arguments": ARGUMENTS}],
    "usage": USAGE,
    "transport": {"chunk_bytes": 5},
}
LENGTH = {"text": TEXT, "stop": "length", "usage": USAGE}
STATUSES = [400, 401, 403, 404, 413, 429, 500, 503, 529]
CUT = {"text": TEXT * 10, "transport": {"cut": {"after_bytes": 900, "how": "broken"}}}


def refusals():
    return [{"refuse": {"status": status, "retry_after": "7"}} for status in STATUSES]


class Fake:
    """The binary, serving a script."""

    def __init__(self, script):
        self.script = tempfile.NamedTemporaryFile("w", suffix=".json")
        json.dump(script, self.script)
        self.script.flush()
        self.process = subprocess.Popen(
            [sys.argv[1], self.script.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # What it is expected to refuse.
        self.complaints = ""
        self.url = self.process.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, failed, error, trace):
        _, complaints = self.process.communicate()
        if not failed:
            equal("what the fake would not take", complaints.strip(), self.complaints)


def equal(what, seen, expected):
    if seen != expected:
        raise AssertionError(f"{what}\n  seen:     {seen!r}\n  expected: {expected!r}")


def failed(what, call):
    """The error of a call."""
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError(f"{what}: no error was raised")


def raised(what, call, kind):
    """The error of a call, which has to be exactly of this class."""
    error = failed(what, call)
    equal(f"{what}: class of {error}", type(error).__name__, kind.__name__)
    return error


def see_broken(call):
    """A connection that breaks off in a reply is noticed as such."""
    error = failed("broken stream", call)
    place = type(error).__module__
    known = (anthropic.APIConnectionError, openai.APIConnectionError, groq.APIConnectionError)
    seen = place.startswith("httpx") or isinstance(error, known)
    equal(f"broken stream: {place}.{type(error).__name__}", seen, True)


def check_anthropic():
    user = {"role": "user", "content": "Do it."}
    tools = [{"name": "bash", "description": "Runs", "input_schema": TOOL}]
    thinking = {"type": "enabled", "budget_tokens": 2048}
    asked = dict(model="claude-sonnet-4-5", max_tokens=8000, tools=tools, thinking=thinking)
    script = [REPLY, REPLY, LENGTH, *refusals(), {"text": TEXT, "fails_after": 5}, CUT]
    script += [{"refuse": {"status": 529, "retry_after": "0"}}, LENGTH, REPLY]
    with Fake(script) as fake:
        client = anthropic.Anthropic(api_key="k", base_url=fake.url, max_retries=0)

        def see(message):
            thought, text, call = message.content
            equal("thought", thought.thinking, THOUGHT)
            equal("text", text.text, TEXT)
            equal("call", (call.name, call.input), ("bash", ARGUMENTS))
            equal("stop", message.stop_reason, "tool_use")
            usage = message.usage
            equal("usage", (usage.input_tokens, usage.output_tokens), (70, 30))
            equal("cached", usage.cache_read_input_tokens, 900)
            return message

        kinds = set()
        with client.messages.stream(messages=[user], **asked) as stream:
            for event in stream:
                kinds.add(event.type)
            first = see(stream.get_final_message())
            equal("request id", stream.response.headers["request-id"][:4], "req_")
        for kind in ["thinking", "signature", "text", "input_json", "message_stop"]:
            equal(f"event {kind}", kind in kinds, True)
        call = first.content[2]
        result = {"type": "tool_result", "tool_use_id": call.id, "content": "done"}
        told = [user, {"role": "assistant", "content": first.content}]
        told.append({"role": "user", "content": [result]})
        see(client.messages.create(messages=told, **asked))
        short = client.messages.create(messages=[user], **asked)
        equal("stop", short.stop_reason, "max_tokens")

        def create(client=client, **more):
            return client.messages.create(**{**asked, "messages": [user], **more})

        kinds = dict(zip(STATUSES, [
            anthropic.BadRequestError, anthropic.AuthenticationError,
            anthropic.PermissionDeniedError, anthropic.NotFoundError,
            anthropic._exceptions.RequestTooLargeError, anthropic.RateLimitError,
            anthropic.InternalServerError, anthropic._exceptions.ServiceUnavailableError,
            anthropic._exceptions.OverloadedError,
        ]))
        for status, kind in kinds.items():
            error = raised(f"status {status}", create, kind)
            equal("retry-after", error.response.headers["retry-after"], "7")
            equal("body", error.body["type"], "error")
            # The client goes by the status; its types know the names, but for that of 413.
            if status != 413:
                pydantic.TypeAdapter(anthropic.types.ErrorResponse).validate_python(error.body)

        def stream_all():
            with client.messages.stream(messages=[user], **asked) as stream:
                stream.until_done()

        error = failed("error in the stream", stream_all)
        equal("its class", isinstance(error, anthropic.APIStatusError), True)
        equal("its type", error.body["error"]["type"], "overloaded_error")
        see_broken(stream_all)
        patient = client.with_options(max_retries=1)
        equal("after a retry", create(patient).stop_reason, "max_tokens")

        unanswered = lambda: create(messages=told[:2] + [user])
        error = raised("a result is missing", unanswered, anthropic.BadRequestError)
        message = error.body["error"]["message"]
        equal("it is named", call.id in message, True)
        fake.complaints = f"/v1/messages: 400 {message}"


def check_chat():
    user = {"role": "user", "content": "Do it."}
    function = {"name": "bash", "description": "Runs", "parameters": TOOL}
    asked = dict(model="gpt-4.1", tools=[{"type": "function", "function": function}])
    script = [REPLY, REPLY, LENGTH, *refusals(), {"text": TEXT, "fails_after": 3}, CUT]
    script += [{"refuse": {"status": 429, "retry_after": "0"}}, LENGTH]
    script += [{"refuse": {"status": 400, "why": "too-long"}}, {"refuse": {"status": 429, "why": "no-credit"}}]
    with Fake(script) as fake:
        client = openai.OpenAI(api_key="k", base_url=fake.url + "/v1", max_retries=0)
        chat = client.chat.completions

        def see(completion):
            choice = completion.choices[0]
            call = choice.message.tool_calls[0]
            equal("text", choice.message.content, TEXT)
            equal("call", call.function.name, "bash")
            equal("arguments", json.loads(call.function.arguments), ARGUMENTS)
            equal("stop", choice.finish_reason, "tool_calls")
            usage = completion.usage
            equal("usage", (usage.prompt_tokens, usage.completion_tokens), (970, 30))
            equal("cached", usage.prompt_tokens_details.cached_tokens, 900)
            return choice.message

        options = {"include_usage": True}
        with chat.stream(messages=[user], stream_options=options, **asked) as stream:
            for _ in stream:
                pass
            first = see(stream.get_final_completion())
        told = [user, {"role": "assistant", "content": first.content, "tool_calls": [
            {"id": call.id, "type": "function", "function": {
                "name": call.function.name, "arguments": call.function.arguments}}
            for call in first.tool_calls]}]
        result = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "done"}
        see(chat.create(messages=told + [result], **asked))
        short = chat.create(messages=[user], **asked)
        equal("stop", short.choices[0].finish_reason, "length")

        def create(client=client, **more):
            return client.chat.completions.create(**{**asked, "messages": [user], **more})

        see_openai_errors(create)

        def stream_all():
            return [chunk for chunk in create(stream=True)]

        error = raised("error in the stream", stream_all, openai.APIError)
        equal("its type", error.type, "server_error")
        see_broken(stream_all)
        patient = client.with_options(max_retries=1)
        equal("after a retry", create(patient).choices[0].finish_reason, "length")
        error = raised("too long", create, openai.BadRequestError)
        equal("its code", error.code, "context_length_exceeded")
        error = raised("no credit", create, openai.RateLimitError)
        equal("its code", error.code, "insufficient_quota")
        error = raised("a result is missing", lambda: create(messages=told + [user]), openai.BadRequestError)
        fake.complaints = f"/v1/chat/completions: 400 {error.body['message']}"


def see_openai_errors(create):
    kinds = dict(zip(STATUSES, [
        openai.BadRequestError, openai.AuthenticationError, openai.PermissionDeniedError,
        openai.NotFoundError, openai.APIStatusError, openai.RateLimitError,
        openai.InternalServerError, openai.InternalServerError, openai.InternalServerError,
    ]))
    for status, kind in kinds.items():
        error = raised(f"status {status}", create, kind)
        equal("status", error.status_code, status)
        equal("retry-after", error.response.headers["retry-after"], "7")
        equal("a message", bool(error.body["message"]), True)


def see_openai_like(message, stop, usage):
    """The whole of REPLY but for its thought, which everybody shows in another way."""
    call = message.tool_calls[0]
    equal("call", call.function.name, "bash")
    equal("arguments", json.loads(call.function.arguments), ARGUMENTS)
    equal("stop", stop, "tool_calls")
    equal("usage", (usage.prompt_tokens, usage.completion_tokens), (970, 30))
    return call.id


def check_groq():
    user = {"role": "user", "content": "Do it."}
    function = {"name": "bash", "description": "Runs", "parameters": TOOL}
    asked = dict(model="qwen", tools=[{"type": "function", "function": function}])
    script = [REPLY, REPLY, LENGTH, *refusals(), {"text": TEXT, "fails_after": 3}, CUT]
    with Fake(script) as fake:
        client = groq.Groq(api_key="k", base_url=fake.url + "/groq", max_retries=0)

        def create(**more):
            return client.chat.completions.create(**{**asked, "messages": [user], **more})

        thought, text, usage = "", "", None
        for chunk in create(stream=True):
            choice = chunk.choices[0]
            thought += choice.delta.reasoning or ""
            text += choice.delta.content or ""
            if choice.delta.tool_calls:
                message = choice.delta
            if chunk.x_groq and chunk.x_groq.usage:
                usage, stop = chunk.x_groq.usage, choice.finish_reason
        equal("thought", thought, THOUGHT)
        equal("text", text, TEXT)
        call = see_openai_like(message, stop, usage)
        made = [{"id": call, "type": "function", "function": {"name": "bash", "arguments": "{}"}}]
        told = [user, {"role": "assistant", "content": text, "tool_calls": made}]
        result = {"role": "tool", "tool_call_id": call, "content": "done"}
        answer = create(messages=told + [result])
        message = answer.choices[0].message
        equal("thought", message.reasoning, THOUGHT)
        equal("text", message.content, TEXT)
        see_openai_like(message, answer.choices[0].finish_reason, answer.usage)
        equal("stop", create().choices[0].finish_reason, "length")
        for status in STATUSES:
            error = failed(f"status {status}", create)
            equal("status", error.status_code, status)
        error = failed("error in the stream", lambda: list(create(stream=True)))
        equal("its class", isinstance(error, groq.APIError), True)
        see_broken(lambda: list(create(stream=True)))


def check_mistral():
    user = {"role": "user", "content": "Do it."}
    function = {"name": "bash", "description": "Runs", "parameters": TOOL}
    asked = dict(model="magistral", tools=[{"type": "function", "function": function}])
    script = [REPLY, REPLY, LENGTH, *refusals(), CUT]
    with Fake(script) as fake:
        chat = Mistral(api_key="k", server_url=fake.url + "/mistral").chat

        def parts(content):
            """Thought and text of what may be a text or a list of chunks."""
            if not isinstance(content, list):
                return "", content or ""
            thoughts = [part.text for c in content if c.type == "thinking" for part in c.thinking]
            return "".join(thoughts), "".join(c.text for c in content if c.type == "text")

        def stream():
            return [event.data for event in chat.stream(messages=[user], **asked)]

        def complete(messages=[user]):
            return chat.complete(messages=messages, **asked)

        thought, text = "", ""
        for chunk in stream():
            (choice,) = chunk.choices
            more = parts(choice.delta.content)
            thought, text = thought + more[0], text + more[1]
            if choice.delta.tool_calls:
                message = choice.delta
        equal("thought", thought, THOUGHT)
        equal("text", text, TEXT)
        # Counted with the last word, unasked.
        call = see_openai_like(message, choice.finish_reason, chunk.usage)
        made = [{"id": call, "function": {"name": "bash", "arguments": "{}"}}]
        told = [user, {"role": "assistant", "content": text, "tool_calls": made}]
        result = {"role": "tool", "tool_call_id": call, "content": "done"}
        answer = complete(told + [result])
        message = answer.choices[0].message
        equal("thought and text", parts(message.content), (THOUGHT, TEXT))
        see_openai_like(message, answer.choices[0].finish_reason, answer.usage)
        equal("stop", complete().choices[0].finish_reason, "length")
        for status in STATUSES:
            error = failed(f"status {status}", complete)
            equal("its class", isinstance(error, mistral_errors.MistralError), True)
            equal("status", error.status_code, status)
        see_broken(stream)


def check_responses():
    user = {"role": "user", "content": "Do it."}
    tool = {"type": "function", "name": "bash", "description": "Runs", "parameters": TOOL, "strict": False}
    asked = dict(model="gpt-5", tools=[tool], store=False, include=["reasoning.encrypted_content"])
    script = [REPLY, REPLY, LENGTH, LENGTH, *refusals(), {"text": TEXT, "fails_after": 6}, CUT]
    script += [{"text": "I will not.", "stop": "refused"}]
    with Fake(script) as fake:
        client = openai.OpenAI(api_key="k", base_url=fake.url + "/v1", max_retries=0)

        def see(response):
            thought, message, call = response.output
            equal("thought", thought.summary[0].text, THOUGHT)
            equal("encrypted", bool(thought.encrypted_content), True)
            equal("text", response.output_text, TEXT)
            equal("text", message.content[0].text, TEXT)
            equal("call", (call.name, json.loads(call.arguments)), ("bash", ARGUMENTS))
            usage = response.usage
            equal("usage", (usage.input_tokens, usage.output_tokens), (970, 30))
            equal("cached", usage.input_tokens_details.cached_tokens, 900)
            equal("status", response.status, "completed")
            return response

        thought, arguments = "", ""
        with client.responses.stream(input=[user], **asked) as stream:
            for event in stream:
                if event.type == "response.reasoning_summary_text.delta":
                    thought += event.delta
                if event.type == "response.function_call_arguments.delta":
                    arguments += event.delta
            first = see(stream.get_final_response())
        equal("thought in pieces", thought, THOUGHT)
        equal("arguments in pieces", json.loads(arguments), ARGUMENTS)
        told = [user] + [item.model_dump(exclude_none=True) for item in first.output]
        call = first.output[2].call_id
        result = {"type": "function_call_output", "call_id": call, "output": "done"}
        see(client.responses.create(input=told + [result], **asked))
        short = client.responses.create(input=[user], **asked)
        equal("cut", short.incomplete_details.reason, "max_output_tokens")
        *_, last = client.responses.create(input=[user], stream=True, **asked)
        equal("cut in a stream", last.type, "response.incomplete")

        def create(**more):
            return client.responses.create(**{**asked, "input": [user], **more})

        see_openai_errors(create)

        def stream_all():
            return [event for event in create(stream=True)]

        see_error_event(stream_all)
        see_broken(stream_all)
        refused = create()
        equal("refusal", refused.output[0].content[0].refusal, "I will not.")
        error = raised("a result is missing", lambda: create(input=told), openai.BadRequestError)
        fake.complaints = f"/v1/responses: 400 {error.body['message']}"


def see_error_event(stream_all):
    """Clients of some versions hand the event on, others raise it."""
    try:
        equal("error in the stream", stream_all()[-1].type, "error")
    except openai.APIError as error:
        equal("error in the stream", "had an error" in error.message, True)


def check_gemini():
    declared = {"name": "bash", "description": "Runs", "parameters_json_schema": TOOL}
    config = google_types.GenerateContentConfig(
        system_instruction="Be brief.",
        tools=[google_types.Tool(function_declarations=[declared])],
        automatic_function_calling={"disable": True},
        thinking_config={"include_thoughts": True},
    )
    script = [REPLY, REPLY, LENGTH, *refusals(), {"text": TEXT, "fails_after": 2}, CUT]
    with Fake(script) as fake:
        options = google_types.HttpOptions(
            base_url=fake.url, api_version="v1beta", retry_options={"attempts": 1})
        client = genai.Client(api_key="k", http_options=options)
        user = google_types.UserContent("Do it.")

        def ask(contents):
            asked = dict(model="gemini-3-pro-preview", contents=contents, config=config)
            return client.models.generate_content(**asked)

        def stream(contents):
            asked = dict(model="gemini-3-pro-preview", contents=contents, config=config)
            return list(client.models.generate_content_stream(**asked))

        def see(answers):
            parts = [part for answer in answers for part in answer.candidates[0].content.parts]
            said = lambda thought: "".join(
                part.text for part in parts if part.text and bool(part.thought) == thought)
            equal("thought", said(True), THOUGHT)
            equal("text", said(False), TEXT)
            (call,) = [part for part in parts if part.function_call]
            equal("call", (call.function_call.name, call.function_call.args), ("bash", ARGUMENTS))
            equal("proof", bool(call.thought_signature), True)
            usage = answers[-1].usage_metadata
            equal("usage", usage.prompt_token_count, 970)
            equal("usage", usage.candidates_token_count + usage.thoughts_token_count, 30)
            equal("cached", usage.cached_content_token_count, 900)
            equal("stop", answers[-1].candidates[0].finish_reason.name, "STOP")
            return call

        call = see(stream([user]))
        told = [user, google_types.ModelContent([call])]
        answer = google_types.Part.from_function_response(name="bash", response={"output": "done"})
        see([ask(told + [google_types.UserContent([answer])])])
        equal("stop", ask([user]).candidates[0].finish_reason.name, "MAX_TOKENS")
        for status in STATUSES:
            kind = google_errors.ClientError if status < 500 else google_errors.ServerError
            error = raised(f"status {status}", lambda: ask([user]), kind)
            equal("code", error.code, status)
            names = {401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE"}
            equal("name", error.status, names.get(status, error.status))
        raised("error in the stream", lambda: stream([user]), google_errors.ServerError)
        see_broken(lambda: stream([user]))
        error = raised("a result is missing", lambda: ask(told), google_errors.ClientError)
        path = "/v1beta/models/gemini-3-pro-preview:generateContent"
        fake.complaints = f"{path}: 400 {error.message}"


def main():
    checks = {
        f"anthropic {anthropic.__version__}": check_anthropic,
        f"openai {openai.__version__}, chat completions": check_chat,
        f"openai {openai.__version__}, responses": check_responses,
        f"google-genai {genai.__version__}": check_gemini,
        f"groq {groq.__version__}": check_groq,
        "mistralai": check_mistral,
    }
    for name, check in checks.items():
        try:
            check()
        except Exception as error:
            print(f"{name}: not what the official client expects", file=sys.stderr)
            if not isinstance(error, AssertionError):
                raise
            sys.exit(f"  {error}")
        print(f"   {name}: ok")


main()
