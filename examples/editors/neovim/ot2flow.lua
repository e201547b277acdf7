-- Starts ot2flow for every workflow that is opened. Neovim 0.7 or later:
-- put this file beside init.lua, and write there: dofile(vim.fn.stdpath('config') .. '/ot2flow.lua')

local command = { vim.env.OT2FLOW or 'ot2flow', 'lsp' }
local client -- of neovim 0.7, which does not find a client again by itself

-- A workflow says ot2flow: 1; other files are left alone.
local function is_workflow(buffer)
  for _, line in ipairs(vim.api.nvim_buf_get_lines(buffer, 0, 50, false)) do
    if line:match('^ot2flow:') then return true end
  end
  return false
end

local function attach(buffer)
  if not is_workflow(buffer) then return end
  local config = { name = 'ot2flow', cmd = command, root_dir = vim.fn.getcwd() }
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = buffer })
  else
    client = client or vim.lsp.start_client(config)
    vim.lsp.buf_attach_client(buffer, client)
  end
end

vim.api.nvim_create_autocmd({ 'BufReadPost', 'BufWritePost' }, {
  pattern = { '*.yaml', '*.yml' },
  callback = function(event) attach(event and event.buf or vim.api.nvim_get_current_buf()) end,
})
