document.documentElement.dataset['ready'] = '';
