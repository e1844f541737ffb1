// A chat template that knows tools and thoughts, in the form that many models were trained on.
#pragma once

namespace ebb::engine_llama {

inline constexpr const char* kWithTools = R"x({%- if tools %}<|im_start|>system
You can call these functions:
{%- for tool in tools %}
{{ tool | tojson }}
{%- endfor %}
To call one, write:
<tool_call>
{"name": "its name", "arguments": {"its": "arguments"}}
</tool_call><|im_end|>
{% endif %}
{%- for message in messages %}
{%- if message.role == "tool" %}<|im_start|>user
<tool_response>
{{ message.content }}
</tool_response><|im_end|>
{% else %}<|im_start|>{{ message.role }}
{% if message.content %}{{ message.content }}{% endif %}
{%- if message.tool_calls %}
{%- for call in message.tool_calls %}
<tool_call>
{"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
</tool_call>
{%- endfor %}
{%- endif %}<|im_end|>
{% endif %}
{%- endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% endif %})x";

inline constexpr const char* kWithThoughts = R"x({%- for message in messages %}<|im_start|>{{ message.role }}
{% if message.role == "assistant" and message.reasoning_content %}<think>
{{ message.reasoning_content }}
</think>

{% endif %}{{ message.content }}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined and enable_thinking is false %}<think>

</think>

{% endif %}
{%- endif %})x";

}  // namespace ebb::engine_llama
